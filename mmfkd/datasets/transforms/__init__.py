from .audio import AddNoise, FitLength, LoadAudio, LogSpectrogram
from .cached import Cached
from .images import LoadFrames, LoadImage, TransformImages
from .infrared import LoadInfrared
from .modalities import (
    ForModality,
    LoadCheckedAnnotations,
    LoadModalities,
    PackModalities,
    StackModalities,
)
from .pack import PackPairs
from .text import TokenizeText

__all__ = ['AddNoise', 'Cached', 'FitLength', 'ForModality', 'LoadAudio',
           'LoadCheckedAnnotations', 'LoadFrames', 'LoadImage', 'LoadInfrared', 'LoadModalities',
           'LogSpectrogram', 'PackModalities', 'PackPairs', 'StackModalities', 'TokenizeText',
           'TransformImages']
