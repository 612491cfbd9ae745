_base_ = ['../_base_/pairs/crisismmd_text2image.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
