_base_ = ['../_base_/pairs/synthetic_depth2rgb.py', '../_base_/methods/pkd.py']
model = dict(losses=_base_.losses)
