_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/rkd.py']
model = dict(losses=_base_.losses)
