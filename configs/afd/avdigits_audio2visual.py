_base_ = ['../_base_/pairs/avdigits_audio2visual.py', '../_base_/methods/afd.py']
model = dict(losses=dict(loss_afd=dict(_base_.losses.loss_afd, **_base_.stages)))
