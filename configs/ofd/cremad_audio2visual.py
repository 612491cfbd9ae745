_base_ = ['../_base_/pairs/cremad_audio2visual.py', '../_base_/methods/ofd.py']
model = dict(losses=dict(loss_ofd=dict(_base_.losses.loss_ofd, **_base_.stages)))
