_base_ = ['../_base_/pairs/ombria96_sar2optical.py', '../_base_/methods/ofd.py']
model = dict(losses=dict(loss_ofd=dict(_base_.losses.loss_ofd, **_base_.stages, weight=1e-5)))
