_base_ = ['../_base_/pairs/synthetic_rgb2depth.py', '../_base_/methods/pkd.py']
model = dict(losses=_base_.losses)
