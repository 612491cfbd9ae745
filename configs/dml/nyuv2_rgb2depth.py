_base_ = ['../_base_/pairs/nyuv2_rgb2depth.py', '../_base_/methods/dml.py']
model = dict(losses=_base_.losses, teachers=None, students=dict(
    peer=dict(config=_base_.model.teachers.teacher.config)))
