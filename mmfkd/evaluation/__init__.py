from .fused_images import FusedImageMetric
from .per_branch import PerBranchMetric
from .per_class import ClassIoU

__all__ = ['ClassIoU', 'FusedImageMetric', 'PerBranchMetric']
