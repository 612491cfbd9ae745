from .audiovisual import AVDigitsDataset, AVEDataset, CREMADDataset, VGGSoundDataset
from .imagetext import CrisisMMDDataset
from .pairs import PairDataset
from .rgbx import NYUv2Dataset, OmbriaDataset, RGBXDataset
from .synthetic import RenderRGBD, SyntheticRGBD
from .synthetic_pairs import (
    RenderAudioVisual,
    RenderTextImage,
    SyntheticAudioVisual,
    SyntheticTextImage,
)

__all__ = ['AVDigitsDataset', 'AVEDataset', 'CREMADDataset', 'CrisisMMDDataset', 'NYUv2Dataset',
           'OmbriaDataset', 'PairDataset', 'RGBXDataset', 'RenderAudioVisual', 'RenderRGBD',
           'RenderTextImage', 'SyntheticAudioVisual', 'SyntheticRGBD', 'SyntheticTextImage',
           'VGGSoundDataset']
