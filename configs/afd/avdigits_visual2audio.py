_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/afd.py']
widths = _base_.channels.stages
model = dict(
    losses=dict(loss_afd=dict(
        _base_.losses.loss_afd, student_channels=widths, teacher_channels=widths)),
    teachers=dict(teacher=dict(config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
