# CDDFuse as its authors train it: 120 epochs, of which the last 80 fuse; Adam at 1e-4, halved every
# 20 epochs, the gradient of each part clipped to 0.01. The fusion layers learn in phase 2 alone and
# begin it at 1e-4, which their factor 4 gives after two halvings.
network = dict(type='mmfkd.CDDFuse')
schedule = dict(
    train_cfg=dict(max_epochs=120, val_interval=120),
    optim_wrapper=dict(
        optimizer=dict(_delete_=True, type='Adam', lr=1e-4),
        paramwise_cfg=dict(custom_keys=dict(base_fusion=dict(lr_mult=4.0),
                                            detail_fusion=dict(lr_mult=4.0)))),
    param_scheduler=[dict(type='StepLR', step_size=20, gamma=0.5, by_epoch=True)],
    hooks=dict(
        checkpoint=dict(save_best=None), teacher_report=None, prediction_panel=None,
        phase=dict(type='FusionPhaseHook', second=40),
        clip=dict(type='ModuleClipHook', max_norm=0.01,
                  modules=[f'students.student.model.{part}' for part in
                           ('encoder', 'decoder', 'base_fusion', 'detail_fusion')])))
evaluator = dict(_delete_=True, type='FusedImageMetric')
# Values from 0 to 1.
norm = dict(mean=[0.0] * 3, std=[255.0] * 3)
# Random crops, where the authors cut fixed ones at every 200 pixels and leave out flat ones.
crops = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomCrop', crop_size=(128, 128)),
    dict(type='PackModalities')]
