from .arrays import LoadArray
from .audio import AddNoise, FitLength, LoadAudio, LogSpectrogram
from .cached import Cached
from .images import LoadFrames, LoadImage, TransformImages
from .infrared import LoadInfrared
from .labels import LoadCheckedAnnotations
from .modalities import ForModality, LoadModalities, LoadModality, PackModalities, StackModalities
from .pack import PackPairs
from .text import TokenizeText

__all__ = ['AddNoise', 'Cached', 'FitLength', 'ForModality', 'LoadArray', 'LoadAudio',
           'LoadCheckedAnnotations', 'LoadFrames', 'LoadImage', 'LoadInfrared', 'LoadModalities',
           'LoadModality', 'LogSpectrogram', 'PackModalities', 'PackPairs', 'StackModalities',
           'TokenizeText', 'TransformImages']
