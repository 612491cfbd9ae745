_base_ = ['../unimodal/synthetic_rgb.py', '../_base_/methods/fdkd.py']
model = dict(
    losses=_base_.losses,
    teachers=dict(teacher=dict(config='configs/unimodal/synthetic_depth.py', checkpoint='auto')))
