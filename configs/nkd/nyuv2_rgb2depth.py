_base_ = ['../_base_/pairs/nyuv2_rgb2depth.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
