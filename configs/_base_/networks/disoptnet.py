# DisOptNet: its pseudo-optical branch learns from the optical teacher. It predicts from the last
# modality of the pair alone.
_base_ = ['../pairs/streets_rgb-ir.py']
unimodal = _base_.model.students.student
taps = dict(
    logits='decode_heads.pseudo.conv_seg', stage4='backbone[pseudo][2]',
    stage5='backbone[pseudo][3]', decoder='decode_heads.pseudo.sep_bottleneck')
losses = dict(
    loss_hard=dict(type='PseudoLabelLoss', student='student.logits', teacher='teacher.logits'),
    loss_soft=dict(type='SoftLabelLoss', student='student.logits', teacher='teacher.logits',
                   kl_weight=0),
    loss_stage4=dict(type='FeatureLoss', student='student.stage4', teacher='teacher.stage4',
                     weight=1 / 3),
    loss_stage5=dict(type='FeatureLoss', student='student.stage5', teacher='teacher.stage5',
                     weight=1 / 3),
    loss_decoder=dict(type='FeatureLoss', student='student.decoder', teacher='teacher.decoder',
                      weight=1 / 3))
model = dict(
    students=dict(student=dict(
        _delete_=True, modality=unimodal.modality, norm=unimodal.norm, taps=taps,
        model=dict(
            _scope_='mmseg', type='mmfkd.DisOptNet', backbone=unimodal.model.backbone,
            decode_head=unimodal.model.decode_head, specific=_base_.specific,
            fusion_head=dict(type='mmfkd.SCSEFusionHead')))),
    losses=losses)
