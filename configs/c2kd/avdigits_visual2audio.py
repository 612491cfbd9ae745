_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/c2kd.py']
width = _base_.channels.stages[2]
model = dict(
    losses=dict(loss_c2kd=dict(
        _base_.losses.loss_c2kd, student_channels=width, teacher_channels=width, num_classes=10)),
    teachers=None, students=dict(teacher=dict(
        config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
