_base_ = ['../_base_/pairs/avdigits_visual2audio.py', '../_base_/methods/ofd.py']
model = dict(losses=dict(loss_ofd=dict(_base_.losses.loss_ofd, **_base_.stages)))
