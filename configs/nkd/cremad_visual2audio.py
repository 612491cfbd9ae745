_base_ = ['../_base_/pairs/cremad_visual2audio.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
