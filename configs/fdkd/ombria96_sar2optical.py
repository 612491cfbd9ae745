_base_ = ['../unimodal/ombria96_optical.py', '../_base_/methods/fdkd.py']
model = dict(
    losses=_base_.losses,
    teachers=dict(teacher=dict(config='configs/unimodal/ombria96_sar.py', checkpoint='auto')))
