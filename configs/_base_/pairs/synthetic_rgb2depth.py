# rgb teaches depth: the depth baseline and a teacher, nothing else.
_base_ = ['../../unimodal/synthetic_depth.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/synthetic_rgb.py', checkpoint='auto')))
