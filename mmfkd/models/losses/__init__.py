from .base import DistillLoss
from .features import FeatureLoss
from .frequency import FrequencyDecoupledLoss, log_compress, split_bands, standardize
from .logits import KDLoss

__all__ = ['DistillLoss', 'FeatureLoss', 'FrequencyDecoupledLoss', 'KDLoss', 'log_compress',
           'split_bands', 'standardize']
