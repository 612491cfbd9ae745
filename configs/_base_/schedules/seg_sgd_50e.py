# FDKD, appendix A.4: SGD with momentum 0.9, lr 0.02, poly 0.9, 50 epochs; batch 16 is the data's.
# The poly decay runs by iteration, as in DeepLab, and follows max_epochs.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=True,
                        convert_to_iter_based=True)]
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2, save_best='mIoU',
                    rule='greater', backend_args=dict(backend='mmfkd.atomic')),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    epoch_seed=dict(type='EpochSeedHook'),
    finite_loss=dict(type='FiniteLossHook'),
    teacher_report=dict(type='TeacherReportHook', metric='mIoU'),
    prediction_panel=dict(type='PredictionPanelHook', interval=10))
