_base_ = ['../_base_/pairs/avdigits_visual2audio.py', '../_base_/methods/dist.py']
model = dict(losses=_base_.losses)
