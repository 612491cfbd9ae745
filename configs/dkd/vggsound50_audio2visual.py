_base_ = ['../_base_/pairs/vggsound50_audio2visual.py', '../_base_/methods/dkd.py']
model = dict(losses=_base_.losses)
