from .file_backend import AtomicLocalBackend
from .hooks import (
    CheckpointHook,
    CompileHook,
    ContrastCollapseHook,
    EarlyStoppingHook,
    EpochSeedHook,
    FeatureSimilarityHook,
    FiniteLossHook,
    FusionPhaseHook,
    LabelCensusHook,
    LossWeightHook,
    ModuleClipHook,
    PredictionPanelHook,
    ReadsHook,
    SampleScoreHook,
    StartCheckHook,
    TeacherCacheHook,
    TeacherReportHook,
    TestMaximumHook,
    WeakCombinationHook,
    seed_worker,
)
from .optim_wrapper import BFloat16OptimWrapper

__all__ = ['AtomicLocalBackend', 'BFloat16OptimWrapper', 'CheckpointHook', 'CompileHook',
           'ContrastCollapseHook', 'EarlyStoppingHook', 'EpochSeedHook', 'FeatureSimilarityHook',
           'FiniteLossHook', 'FusionPhaseHook', 'LabelCensusHook', 'LossWeightHook',
           'ModuleClipHook', 'PredictionPanelHook', 'ReadsHook', 'SampleScoreHook',
           'StartCheckHook', 'TeacherCacheHook', 'TeacherReportHook', 'TestMaximumHook',
           'WeakCombinationHook', 'seed_worker']
