_base_ = ['../_base_/pairs/msrs_rgb-ir.py', '../_base_/models/disoptnet.py']
baseline = _base_.model.students.student
model = dict(
    students=dict(student=dict(
        _delete_=True, modality=baseline.modality, norm=baseline.norm, taps=_base_.taps,
        model=dict(
            _base_.network, backbone=baseline.model.backbone,
            decode_head=baseline.model.decode_head, specific=_base_.specific))),
    losses=_base_.losses)
