# FDKD, appendix A.4: SGD with momentum 0.9, lr 0.01, poly 0.9, 100 epochs; batch 64 is the data's.
# The decay is by epoch and ends at 1e-4, as in the authors' code; param_scheduler.0.eta_min=0 is
# the paper, which names no floor.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=True)]
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2,
                    save_best='accuracy/top1', rule='greater',
                    backend_args=dict(backend='mmfkd.atomic')),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    epoch_seed=dict(type='EpochSeedHook'),
    finite_loss=dict(type='FiniteLossHook'),
    teacher_report=dict(type='TeacherReportHook', metric='accuracy/top1'))
