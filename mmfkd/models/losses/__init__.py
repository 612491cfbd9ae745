from .attention import AFDLoss
from .base import DistillLoss
from .c2kd import C2KDLoss
from .contrastive import PixelContrastLoss
from .cross_entropy import CrossEntropyLoss, LabelledCrossEntropyLoss
from .dice import MulticlassDiceLoss, multiclass_dice
from .features import FeatureLoss, PKDLoss
from .frequency import FrequencyDecoupledLoss, log_compress, split_bands, standardize
from .logits import DISTLoss, DKDLoss, KDLoss, NKDLoss, NormalizedKDLoss
from .margin import MADLoss, ModalityRegularizationLoss
from .overhaul import OFDLoss
from .relations import RKDLoss
from .review import ReviewKDLoss
from .soft_labels import PseudoLabelLoss, SoftLabelLoss

__all__ = ['AFDLoss', 'C2KDLoss', 'CrossEntropyLoss', 'DISTLoss', 'DKDLoss', 'DistillLoss',
           'FeatureLoss', 'FrequencyDecoupledLoss', 'KDLoss', 'LabelledCrossEntropyLoss',
           'MADLoss', 'ModalityRegularizationLoss', 'MulticlassDiceLoss', 'NKDLoss',
           'NormalizedKDLoss', 'OFDLoss', 'PKDLoss', 'PixelContrastLoss',
           'PseudoLabelLoss', 'RKDLoss', 'ReviewKDLoss', 'SoftLabelLoss',
           'log_compress', 'multiclass_dice', 'split_bands', 'standardize']
