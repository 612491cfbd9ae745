_base_ = ['../_base_/pairs/ombria96_sar2optical.py', '../_base_/methods/pkd.py']
model = dict(losses=_base_.losses)
