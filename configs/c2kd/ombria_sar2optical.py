_base_ = ['../_base_/pairs/ombria_sar2optical.py', '../_base_/methods/c2kd.py']
model = dict(losses=dict(loss_c2kd=dict(_base_.losses.loss_c2kd, **_base_.proxies)),
             teachers=None, students=dict(teacher=_base_.model.teachers.teacher))
