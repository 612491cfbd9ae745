_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/dkd.py']
model = dict(
    losses=_base_.losses,
    teachers=dict(teacher=dict(config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
