from .cache import TeacherCacheHook
from .checkpoint import CheckpointHook
from .compiling import CompileHook
from .early_stopping import EarlyStoppingHook
from .fusion import FusionPhaseHook, ModuleClipHook
from .labels import LabelCensusHook
from .loss import ContrastCollapseHook, FiniteLossHook, LossWeightHook
from .maximum import TestMaximumHook
from .panel import PredictionPanelHook
from .reads import ReadsHook
from .samples import SampleScoreHook
from .seeding import EpochSeedHook, seed_worker
from .similarity import FeatureSimilarityHook
from .start import StartCheckHook
from .teacher_report import TeacherReportHook
from .weak_combination import WeakCombinationHook

__all__ = ['CheckpointHook', 'CompileHook', 'ContrastCollapseHook', 'EarlyStoppingHook',
           'EpochSeedHook', 'FeatureSimilarityHook', 'FiniteLossHook', 'FusionPhaseHook',
           'LabelCensusHook', 'LossWeightHook', 'ModuleClipHook', 'PredictionPanelHook',
           'ReadsHook', 'SampleScoreHook', 'StartCheckHook', 'TeacherCacheHook',
           'TeacherReportHook', 'TestMaximumHook', 'WeakCombinationHook', 'seed_worker']
