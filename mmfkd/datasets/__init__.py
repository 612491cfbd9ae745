from .audiovisual import AVDigitsDataset, AVEDataset, CREMADDataset, VGGSoundDataset
from .deliver import DELIVERDataset
from .imagetext import CrisisMMDDataset
from .nyuv2 import NYUv2Dataset
from .ombria import OmbriaDataset
from .pairs import PairDataset
from .rgb_infrared import FMB14Dataset, FMBDataset, MSRSDataset, MVSSDataset
from .rgb_thermal import MFNetDataset, PST900Dataset
from .rgbx import RGBXDataset
from .samplers import SourceSampler
from .synthetic.classification import (
    RenderAudioVisual,
    RenderTextImage,
    SyntheticAudioVisual,
    SyntheticTextImage,
)
from .synthetic.segmentation import RenderEOIR, RenderRGBD, SyntheticEOIR, SyntheticRGBD
from .table import ListDataset
from .views import ViewedDataset

__all__ = ['AVDigitsDataset', 'AVEDataset', 'CREMADDataset', 'CrisisMMDDataset', 'DELIVERDataset',
           'FMB14Dataset', 'FMBDataset', 'ListDataset', 'MFNetDataset', 'MSRSDataset',
           'MVSSDataset', 'NYUv2Dataset', 'OmbriaDataset', 'PST900Dataset', 'PairDataset',
           'RGBXDataset', 'RenderAudioVisual', 'RenderEOIR', 'RenderRGBD', 'RenderTextImage',
           'SourceSampler', 'SyntheticAudioVisual', 'SyntheticEOIR', 'SyntheticRGBD',
           'SyntheticTextImage', 'VGGSoundDataset', 'ViewedDataset']
