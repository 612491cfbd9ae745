_base_ = ['../_base_/pairs/crisismmd_text2image.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
