from .per_branch import PerBranchMetric
from .per_class import ClassIoU

__all__ = ['ClassIoU', 'PerBranchMetric']
