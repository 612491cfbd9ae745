_base_ = ['../_base_/pairs/synthetic_text2image.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
