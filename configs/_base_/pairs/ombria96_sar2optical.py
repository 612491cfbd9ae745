# sar teaches optical: the optical baseline and a teacher, nothing else.
_base_ = ['../../unimodal/ombria96_optical.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/ombria96_sar.py', checkpoint='auto')))
