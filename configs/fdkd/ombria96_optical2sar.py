_base_ = ['../unimodal/ombria96_sar.py', '../_base_/methods/fdkd.py']
model = dict(
    losses=_base_.losses,
    teachers=dict(teacher=dict(config='configs/unimodal/ombria96_optical.py', checkpoint='auto')))
