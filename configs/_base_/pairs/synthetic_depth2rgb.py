# depth teaches rgb: the rgb baseline and a teacher, nothing else.
_base_ = ['../../unimodal/synthetic_rgb.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/synthetic_depth.py', checkpoint='auto')))
