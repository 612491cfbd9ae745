from .audiovisual import AVDigitsDataset, AVEDataset, CREMADDataset, VGGSoundDataset
from .eoir import FMB14Dataset, FMBDataset, MSRSDataset, MVSSDataset
from .imagetext import CrisisMMDDataset
from .pairs import PairDataset
from .rgbx import NYUv2Dataset, OmbriaDataset, RGBXDataset
from .synthetic import RenderRGBD, SyntheticRGBD
from .synthetic_eoir import RenderEOIR, SyntheticEOIR
from .synthetic_pairs import (
    RenderAudioVisual,
    RenderTextImage,
    SyntheticAudioVisual,
    SyntheticTextImage,
)

__all__ = ['AVDigitsDataset', 'AVEDataset', 'CREMADDataset', 'CrisisMMDDataset', 'FMB14Dataset',
           'FMBDataset', 'MSRSDataset', 'MVSSDataset', 'NYUv2Dataset', 'OmbriaDataset',
           'PairDataset', 'RGBXDataset', 'RenderAudioVisual', 'RenderEOIR', 'RenderRGBD',
           'RenderTextImage', 'SyntheticAudioVisual', 'SyntheticEOIR', 'SyntheticRGBD',
           'SyntheticTextImage', 'VGGSoundDataset']
