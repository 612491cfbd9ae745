_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
