_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/dml.py']
model = dict(
    losses=_base_.losses,
    teachers=None, students=dict(peer=dict(config='configs/unimodal/avdigits_visual.py')))
