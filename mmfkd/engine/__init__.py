from .file_backend import AtomicLocalBackend
from .hooks import (
    EpochSeedHook,
    FeatureSimilarityHook,
    FiniteLossHook,
    LossWeightHook,
    PredictionPanelHook,
    TeacherReportHook,
    TestMaximumHook,
    seed_worker,
)
from .optim_wrapper import BFloat16OptimWrapper

__all__ = ['AtomicLocalBackend', 'BFloat16OptimWrapper', 'EpochSeedHook',
           'FeatureSimilarityHook', 'FiniteLossHook', 'LossWeightHook', 'PredictionPanelHook',
           'TeacherReportHook', 'TestMaximumHook', 'seed_worker']
