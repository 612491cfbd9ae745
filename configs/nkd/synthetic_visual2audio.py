_base_ = ['../_base_/pairs/synthetic_visual2audio.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
