from .branch import Branch, Normalize
from .distiller import CrossModalDistiller
from .heads import BandClassifier, DeepLabV3PlusHead, GatedSpectralHead, SCSEFusionHead
from .losses import (
    DistillLoss,
    FeatureLoss,
    FrequencyDecoupledLoss,
    KDLoss,
    MulticlassDiceLoss,
    PixelContrastLoss,
    PseudoLabelLoss,
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

__all__ = ['CEN', 'BandClassifier', 'BertEncoder', 'Branch', 'CSKNet', 'CrossModalDistiller',
           'DeepLabV3PlusHead', 'DisOptNet', 'DistillLoss', 'FeatureLoss', 'ForkedEncoder',
           'FramePooling', 'FrequencyDecoupledLoss', 'GatedSpectralHead', 'InflatedPretrained',
           'KDLoss', 'MultiModalDataPreprocessor', 'MulticlassDiceLoss', 'Normalize',
           'PixelContrastLoss', 'PseudoLabelLoss', 'SCSEFusionHead', 'SharedEncoder',
           'SoftLabelLoss', 'Taps', 'take_modality', 'to_modality_norm']
