_base_ = ['../_base_/pairs/crisismmd_text2image.py', '../_base_/methods/ofd.py']
model = dict(losses=dict(loss_ofd=dict(_base_.losses.loss_ofd, **_base_.stages)))
