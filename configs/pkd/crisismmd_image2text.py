_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/pkd.py']
model = dict(losses=dict(loss_pkd=dict(_base_.losses.loss_pkd, adapter=_base_.adapter)))
