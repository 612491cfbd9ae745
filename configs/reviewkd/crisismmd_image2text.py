_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/reviewkd.py']
model = dict(losses=dict(loss_reviewkd=dict(_base_.losses.loss_reviewkd, **_base_.stages)))
