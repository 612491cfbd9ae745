_base_ = ['../_base_/pairs/mars_aux-rgb.py', '../_base_/models/csknet.py']
unimodal = _base_.model.students.student.model
model = dict(
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=_base_.taps,
        model=dict(
            _base_.network, modalities=_base_.both.modality,
            backbone=unimodal.backbone, decode_head=unimodal.decode_head,
            exchange=dict(channel=dict(norms=_base_.stage_norms, threshold=0.02, ratio=None),
                          spatial=dict(stages=_base_.last_stages))))),
    # Fewer pixels for smaller images.
    losses=dict(_base_.losses, loss_contrast=dict(
        _base_.losses.loss_contrast, in_channels=_base_.channels.stages,
        channels=128, max_anchors=256, max_samples=1024)))
