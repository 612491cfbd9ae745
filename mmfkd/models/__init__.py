from . import losses
from .balance import LossBalance, LossBalances
from .branch import Branch, Normalize
from .distiller import CrossModalDistiller
from .heads import (
    BandClassifier,
    DeepLabV3PlusHead,
    ESANetHead,
    GatedSpectralHead,
    RefineNetHead,
    SCSEFusionHead,
)
from .losses import *  # noqa: F403  each loss is named once, in losses/__init__.py
from .networks import (
    CEN,
    BertEncoder,
    CDDFuse,
    CSKNet,
    DisOptNet,
    ESANetNeck,
    ForkedEncoder,
    FramePooling,
    HFEncoder,
    MMANet,
    SharedEncoder,
    take_modality,
    to_modality_norm,
)
from .preprocessor import MultiModalDataPreprocessor
from .pretrained import InflatedPretrained
from .taps import Taps

__all__ = ['BandClassifier', 'BertEncoder', 'Branch', 'CDDFuse', 'CEN', 'CSKNet',
           'CrossModalDistiller', 'DeepLabV3PlusHead', 'DisOptNet', 'ESANetHead', 'ESANetNeck',
           'ForkedEncoder', 'FramePooling', 'GatedSpectralHead', 'HFEncoder', 'InflatedPretrained',
           'LossBalance', 'LossBalances', 'MMANet', 'MultiModalDataPreprocessor', 'Normalize',
           'RefineNetHead', 'SCSEFusionHead', 'SharedEncoder', 'Taps', 'take_modality',
           'to_modality_norm', *losses.__all__]
