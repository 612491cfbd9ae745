_base_ = ['../_base_/pairs/ave_visual2audio.py', '../_base_/methods/rkd.py']
model = dict(losses=_base_.losses)
