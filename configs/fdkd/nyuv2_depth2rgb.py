_base_ = ['../unimodal/nyuv2_rgb.py', '../_base_/methods/fdkd.py']
model = dict(
    losses=_base_.losses,
    teachers=dict(teacher=dict(config='configs/unimodal/nyuv2_depth.py', checkpoint='auto')))
