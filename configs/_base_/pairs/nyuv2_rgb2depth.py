# rgb teaches depth: the depth baseline and a teacher, nothing else.
_base_ = ['../../unimodal/nyuv2_depth.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/nyuv2_rgb.py', checkpoint='auto')))
