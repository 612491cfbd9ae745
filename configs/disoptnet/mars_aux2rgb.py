_base_ = ['../_base_/pairs/mars_aux-rgb.py', '../_base_/models/disoptnet.py']
unimodal = _base_.model.students.student
model = dict(
    students=dict(student=dict(
        _delete_=True, modality=unimodal.modality, norm=unimodal.norm, taps=_base_.taps,
        model=dict(
            _base_.network, backbone=unimodal.model.backbone,
            decode_head=unimodal.model.decode_head, specific=_base_.specific))),
    losses=_base_.losses)
