from .branch import Branch, Normalize
from .distiller import CrossModalDistiller
from .heads import BandClassifier
from .losses import DistillLoss, FeatureLoss, FrequencyDecoupledLoss, KDLoss
from .networks import BertEncoder, FramePooling
from .preprocessor import MultiModalDataPreprocessor
from .pretrained import InflatedPretrained
from .taps import Taps

__all__ = ['BandClassifier', 'BertEncoder', 'Branch', 'CrossModalDistiller', 'DistillLoss',
           'FeatureLoss', 'FramePooling', 'FrequencyDecoupledLoss', 'InflatedPretrained', 'KDLoss',
           'MultiModalDataPreprocessor', 'Normalize', 'Taps']
