_base_ = ['../_base_/pairs/synthetic_text2image.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
