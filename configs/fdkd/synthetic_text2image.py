_base_ = ['../_base_/pairs/synthetic_text2image.py', '../_base_/methods/fdkd.py']
model = dict(losses=dict(loss_fdkd=dict(
    _base_.losses.loss_fdkd, align=_base_.band_classifier, task=_base_.band_classifier,
    adapter=_base_.adapter)))
