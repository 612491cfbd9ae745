_base_ = ['../_base_/pairs/nyuv2_rgb2depth.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
