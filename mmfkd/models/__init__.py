from .branch import Branch, Normalize
from .distiller import CrossModalDistiller
from .heads import BandClassifier, DeepLabV3PlusHead, GatedSpectralHead, SCSEFusionHead
from .losses import (
    AFDLoss,
    C2KDLoss,
    DistillLoss,
    DISTLoss,
    DKDLoss,
    FeatureLoss,
    FrequencyDecoupledLoss,
    KDLoss,
    MulticlassDiceLoss,
    NKDLoss,
    NormalizedKDLoss,
    OFDLoss,
    PixelContrastLoss,
    PKDLoss,
    PseudoLabelLoss,
    ReviewKDLoss,
    RKDLoss,
    SoftLabelLoss,
)
from .networks import (
    CEN,
    BertEncoder,
    CSKNet,
    DisOptNet,
    ForkedEncoder,
    FramePooling,
    SharedEncoder,
    take_modality,
    to_modality_norm,
)
from .preprocessor import MultiModalDataPreprocessor
from .pretrained import InflatedPretrained
from .taps import Taps

__all__ = ['AFDLoss', 'BandClassifier', 'BertEncoder', 'Branch', 'C2KDLoss', 'CEN', 'CSKNet',
           'CrossModalDistiller', 'DISTLoss', 'DKDLoss', 'DeepLabV3PlusHead', 'DisOptNet',
           'DistillLoss', 'FeatureLoss', 'ForkedEncoder', 'FramePooling', 'FrequencyDecoupledLoss',
           'GatedSpectralHead', 'InflatedPretrained', 'KDLoss', 'MultiModalDataPreprocessor',
           'MulticlassDiceLoss', 'NKDLoss', 'Normalize', 'NormalizedKDLoss', 'OFDLoss', 'PKDLoss',
           'PixelContrastLoss', 'PseudoLabelLoss', 'RKDLoss', 'ReviewKDLoss', 'SCSEFusionHead',
           'SharedEncoder', 'SoftLabelLoss', 'Taps', 'take_modality', 'to_modality_norm']
