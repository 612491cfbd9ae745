_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/c2kd.py']
model = dict(losses=dict(loss_c2kd=dict(_base_.losses.loss_c2kd, **_base_.proxies)),
             teachers=None, students=dict(teacher=_base_.model.teachers.teacher))
# One optimizer for both: Adam at BERT's lr, ten times that for MobileNetV2.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'students.teacher': dict(lr_mult=10)}))
