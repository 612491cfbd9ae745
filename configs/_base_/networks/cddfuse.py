# CDDFuse as its authors train it: 120 epochs, of which the last 80 fuse; Adam at 1e-4, halved every
# 20 epochs, the gradient of each part clipped to 0.01. The fusion layers learn in phase 2 alone and
# begin it at 1e-4, which their factor 4 gives after two halvings. In its small form the network and
# its training are small and short, for CPUs. `mmfkd fuse` writes its images, on which
# fused/<pair> is trained.
_base_ = ['../pairs/streets_rgb-ir.py']
small = _base_.get('small', False)
channels = _base_.model.students.student.model.backbone.get('in_channels', 3)
epochs, second, halving = (6, 2, 1) if small else (120, 40, 20)
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Adam', lr=1e-3 if small else 1e-4),
    paramwise_cfg=dict(custom_keys=dict(base_fusion=dict(lr_mult=4.0),
                                        detail_fusion=dict(lr_mult=4.0))))
param_scheduler = [dict(type='StepLR', step_size=halving, gamma=0.5, by_epoch=True)]
default_hooks = dict(
    checkpoint=dict(save_best=None), teacher_report=None, prediction_panel=None,
    phase=dict(type='FusionPhaseHook', second=second),
    clip=dict(type='ModuleClipHook', max_norm=0.01,
              modules=[f'students.student.model.{part}' for part in
                       ('encoder', 'decoder', 'base_fusion', 'detail_fusion')]))
val_evaluator = dict(_delete_=True, type='FusedImageMetric')
test_evaluator = val_evaluator
# Random crops, where the authors cut fixed ones at every 200 pixels and leave out flat ones.
crops = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomCrop', crop_size=(128, 128)),
    dict(type='PackModalities')]
train_dataloader = dict(batch_size=8) if small else dict(dataset=dict(pipeline=crops))
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _delete_=True, modality=_base_.both.modality,
        # Values from 0 to 1.
        norm={name: dict(mean=[0.0] * channels, std=[255.0] * channels,
                         bgr_to_rgb=_base_.both.norm.get(name, {}).get('bgr_to_rgb', False))
              for name in _base_.both.modality},
        model=dict(type='mmfkd.CDDFuse', modalities=_base_.both.modality,
                   **(dict(channels=16, heads=4, blocks=1) if small else {})))))
