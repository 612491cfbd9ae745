_base_ = ['../_base_/pairs/ave_audio2visual.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
