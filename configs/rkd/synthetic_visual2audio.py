_base_ = ['../_base_/pairs/synthetic_visual2audio.py', '../_base_/methods/rkd.py']
model = dict(losses=_base_.losses)
