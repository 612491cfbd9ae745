_base_ = ['../_base_/pairs/crisismmd_image2text.py', '../_base_/methods/feature.py']
model = dict(losses=dict(loss_feature=dict(_base_.losses.loss_feature, adapter=_base_.adapter)))
