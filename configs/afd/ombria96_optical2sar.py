_base_ = ['../_base_/pairs/ombria96_optical2sar.py', '../_base_/methods/afd.py']
model = dict(losses=dict(loss_afd=dict(_base_.losses.loss_afd, **_base_.stages)))
