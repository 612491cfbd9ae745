_base_ = ['../_base_/pairs/crisismmd_text2image.py', '../_base_/methods/dml.py']
model = dict(losses=_base_.losses, teachers=None, students=dict(
    peer=dict(config=_base_.model.teachers.teacher.config)))
# One optimizer for both: SGD at MobileNetV2's lr, a tenth of that for BERT.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'students.peer': dict(lr_mult=0.1)}))
