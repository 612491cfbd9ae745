_base_ = ['../_base_/pairs/ombria96_optical2sar.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
