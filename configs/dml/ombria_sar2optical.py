_base_ = ['../_base_/pairs/ombria_sar2optical.py', '../_base_/methods/dml.py']
model = dict(losses=_base_.losses, teachers=None, students=dict(
    peer=dict(config=_base_.model.teachers.teacher.config)))
