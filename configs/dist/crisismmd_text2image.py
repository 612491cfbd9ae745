_base_ = ['../_base_/pairs/crisismmd_text2image.py', '../_base_/methods/dist.py']
model = dict(losses=_base_.losses)
