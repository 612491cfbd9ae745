_base_ = ['../_base_/pairs/ombria_optical2sar.py', '../_base_/methods/rkd.py']
model = dict(losses=_base_.losses)
