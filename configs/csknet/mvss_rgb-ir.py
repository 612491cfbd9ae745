_base_ = ['../_base_/pairs/mvss_rgb-ir.py', '../_base_/models/csknet.py']
unimodal = _base_.model.students.student.model
default_hooks = _base_.schedule
model = dict(
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=_base_.taps,
        model=dict(
            _base_.network, modalities=_base_.both.modality,
            backbone=unimodal.backbone, decode_head=unimodal.decode_head,
            exchange=dict(
                channel=dict(_base_.exchange.channel, norms=_base_.stage_norms),
                spatial=dict(_base_.exchange.spatial, stages=_base_.last_stages))))),
    losses=dict(_base_.losses, loss_contrast=dict(
        _base_.losses.loss_contrast, in_channels=_base_.channels.stages)))
