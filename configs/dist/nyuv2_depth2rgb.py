_base_ = ['../_base_/pairs/nyuv2_depth2rgb.py', '../_base_/methods/dist.py']
model = dict(losses=_base_.losses)
