_base_ = ['../_base_/pairs/nyuv2_depth2rgb.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
