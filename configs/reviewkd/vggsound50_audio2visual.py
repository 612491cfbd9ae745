_base_ = ['../_base_/pairs/vggsound50_audio2visual.py', '../_base_/methods/reviewkd.py']
model = dict(losses=dict(loss_reviewkd=dict(_base_.losses.loss_reviewkd, **_base_.stages)))
