from .per_branch import PerBranchMetric

__all__ = ['PerBranchMetric']
