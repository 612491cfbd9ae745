# CDDFuse, small and short, for CPUs. mmfkd fuse writes its images, on which
# configs/cddfuse/mars_fused.py is trained.
_base_ = ['../_base_/pairs/mars_aux-rgb.py', '../_base_/models/cddfuse.py']
train_cfg = dict(max_epochs=6, val_interval=6)
optim_wrapper = dict(_base_.schedule.optim_wrapper,
                     optimizer=dict(_delete_=True, type='Adam', lr=1e-3))
param_scheduler = [dict(type='StepLR', step_size=1, gamma=0.5, by_epoch=True)]
default_hooks = dict(_base_.schedule.hooks, phase=dict(type='FusionPhaseHook', second=2))
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.evaluator
test_evaluator = _base_.evaluator
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _delete_=True, modality=_base_.both.modality,
        norm=dict(aux=_base_.norm, rgb=dict(_base_.norm, bgr_to_rgb=True)),
        model=dict(_base_.network, modalities=_base_.both.modality, channels=16, heads=4,
                   blocks=1))))
