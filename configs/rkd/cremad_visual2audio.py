_base_ = ['../_base_/pairs/cremad_visual2audio.py', '../_base_/methods/rkd.py']
model = dict(losses=_base_.losses)
