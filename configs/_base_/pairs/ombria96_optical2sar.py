# optical teaches sar: the sar baseline and a teacher, nothing else.
_base_ = ['../../unimodal/ombria96_sar.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/ombria96_optical.py', checkpoint='auto')))
