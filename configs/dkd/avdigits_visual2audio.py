_base_ = ['../_base_/pairs/avdigits_visual2audio.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
