_base_ = ['../_base_/pairs/synthetic_audio2visual.py', '../_base_/methods/dist.py']
model = dict(losses=_base_.losses)
