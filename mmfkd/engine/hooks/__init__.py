from .loss import FiniteLossHook, LossWeightHook
from .maximum import TestMaximumHook
from .panel import PredictionPanelHook
from .seeding import EpochSeedHook, seed_worker
from .similarity import FeatureSimilarityHook
from .teacher_report import TeacherReportHook

__all__ = ['EpochSeedHook', 'FeatureSimilarityHook', 'FiniteLossHook', 'LossWeightHook',
           'PredictionPanelHook', 'TeacherReportHook', 'TestMaximumHook', 'seed_worker']
