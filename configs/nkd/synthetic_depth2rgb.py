_base_ = ['../_base_/pairs/synthetic_depth2rgb.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
