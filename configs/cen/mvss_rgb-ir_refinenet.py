# C.E.N. as its authors have it.
_base_ = ['../_base_/pairs/mvss_rgb-ir.py', '../_base_/models/cen_refinenet.py']
unimodal = _base_.model.students.student.model
optim_wrapper = _base_.recipe.optim_wrapper
param_scheduler = _base_.recipe.param_scheduler
train_dataloader = dict(dataset=dict(pipeline=_base_.recipe.pipeline))
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _base_.both, _delete_=True,
        model=dict(
            _base_.refinenet, _scope_='mmseg', type='mmfkd.CEN',
            modalities=_base_.both.modality,
            decode_head=dict(_base_.refinenet.decode_head,
                             num_classes=unimodal.decode_head.num_classes),
            exchange=dict(channel=dict(norms=_base_.bottleneck_norms, threshold=0.02))))))
