_base_ = ['../_base_/pairs/cremad_audio2visual.py', '../_base_/methods/nkd.py']
model = dict(losses=_base_.losses)
