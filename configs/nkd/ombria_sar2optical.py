_base_ = ['../_base_/pairs/ombria_sar2optical.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
