_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/dml.py']
model = dict(losses=_base_.losses, teachers=None, students=dict(
    peer=dict(config=_base_.model.teachers.teacher.config)))
# One optimizer for both: Adam at BERT's lr, ten times that for MobileNetV2.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'students.peer': dict(lr_mult=10)}))
