# depth teaches rgb: the rgb baseline and a teacher, nothing else.
_base_ = ['../../unimodal/nyuv2_rgb.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/nyuv2_depth.py', checkpoint='auto')))
