_base_ = ['../_base_/pairs/ombria_sar2optical.py', '../_base_/methods/afd.py']
model = dict(losses=dict(loss_afd=dict(_base_.losses.loss_afd, **_base_.stages)))
