# MMANet; without MAD and MAR it is a network with random masks.
_base_ = ['../_base_/pairs/mars_aux-gray.py', '../_base_/models/mmanet_r18.py']
unimodal = _base_.model.students.student.model
default_hooks = _base_.schedule
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    teachers=dict(teacher=dict(config='configs/mmanet/mars_aux-gray_full.py')),
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=_base_.taps,
        model=dict(
            _base_.network, backbones=dict(aux=_base_.backbone, gray=_base_.backbone), mask=True,
            auxiliary=True,
            decode_head=dict(_base_.head, num_classes=unimodal.decode_head.num_classes)))),
    losses=dict(_base_.losses, loss_mar=dict(
        _base_.losses.loss_mar, modalities=_base_.both.modality, weak=['gray'])))
