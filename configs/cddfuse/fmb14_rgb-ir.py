# CDDFuse. mmfkd fuse writes its images, on which configs/cddfuse/fmb14_fused.py is trained.
_base_ = ['../_base_/pairs/fmb14_rgb-ir.py', '../_base_/models/cddfuse.py']
train_cfg = _base_.schedule.train_cfg
optim_wrapper = _base_.schedule.optim_wrapper
param_scheduler = _base_.schedule.param_scheduler
default_hooks = _base_.schedule.hooks
train_dataloader = dict(dataset=dict(pipeline=_base_.crops))
val_evaluator = _base_.evaluator
test_evaluator = _base_.evaluator
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _delete_=True, modality=_base_.both.modality,
        norm=dict(rgb=dict(_base_.norm, bgr_to_rgb=True), ir=_base_.norm),
        model=dict(_base_.network, modalities=_base_.both.modality))))
