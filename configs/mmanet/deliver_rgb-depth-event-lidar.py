# MMANet with four modalities; lidar alone is the weak combination.
_base_ = ['../_base_/pairs/deliver_rgb-depth-event-lidar.py', '../_base_/models/mmanet_r50.py']
unimodal = _base_.model.students.student.model
default_hooks = _base_.schedule
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    teachers=dict(teacher=dict(config='configs/mmanet/deliver_rgb-depth-event-lidar_full.py')),
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=_base_.taps,
        model=dict(
            _base_.network, mask=True, auxiliary=True,
            backbones={name: _base_.backbone for name in _base_.modalities},
            decode_head=dict(_base_.head, num_classes=unimodal.decode_head.num_classes)))),
    losses=dict(_base_.losses, loss_mar=dict(
        _base_.losses.loss_mar, modalities=_base_.both.modality, weak=['lidar'])))
