# C.E.N.; it has no teacher.
_base_ = ['../_base_/pairs/mars_aux-gray.py']
unimodal = _base_.model.students.student.model
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _base_.both, _delete_=True,
        model=dict(
            _scope_='mmseg', type='mmfkd.CEN', modalities=_base_.both.modality,
            backbone=unimodal.backbone, decode_head=unimodal.decode_head,
            exchange=dict(channel=dict(norms=_base_.block_norms, threshold=0.02))))))
