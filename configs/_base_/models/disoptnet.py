# DisOptNet: the network but for its baseline, and what its pseudo-optical branch learns from the
# optical teacher.
taps = dict(
    logits='decode_heads.pseudo.conv_seg', stage4='backbone[pseudo][2]',
    stage5='backbone[pseudo][3]', decoder='decode_heads.pseudo.sep_bottleneck')
network = dict(_scope_='mmseg', type='mmfkd.DisOptNet',
               fusion_head=dict(type='mmfkd.SCSEFusionHead'))
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
