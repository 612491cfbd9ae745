from .base import DistillLoss
from .contrastive import PixelContrastLoss
from .dice import MulticlassDiceLoss, multiclass_dice
from .features import FeatureLoss
from .frequency import FrequencyDecoupledLoss, log_compress, split_bands, standardize
from .logits import KDLoss
from .soft_labels import PseudoLabelLoss, SoftLabelLoss

__all__ = ['DistillLoss', 'FeatureLoss', 'FrequencyDecoupledLoss', 'KDLoss',
           'MulticlassDiceLoss', 'PixelContrastLoss', 'PseudoLabelLoss', 'SoftLabelLoss',
           'log_compress', 'multiclass_dice', 'split_bands', 'standardize']
