# CSK-Net: the network but for its baseline, and L_D1, L_D2 and L_CL of eq. 11; L_seg is the
# network's. Taps without a number are of the optical branch, infrared2 to infrared5 are the last
# four stages of the infrared branch.
taps = dict(
    logits='decode_heads.optical.conv_seg', stage4='backbone[optical][2]',
    stage5='backbone[optical][3]', decoder='decode_heads.optical.sep_bottleneck',
    infrared2='backbone[infrared][0]', infrared3='backbone[infrared][1]',
    infrared4='backbone[infrared][2]', infrared5='backbone[infrared][3]')
network = dict(_scope_='mmseg', type='mmfkd.CSKNet',
               fusion_head=dict(type='mmfkd.GatedSpectralHead', gated=True))
losses = dict(
    loss_d1=dict(type='SoftLabelLoss', student='student.logits', teacher='teacher.logits'),
    loss_d2_stage4=dict(type='FeatureLoss', student='student.stage4', teacher='teacher.stage4',
                        weight=1 / 3),
    loss_d2_stage5=dict(type='FeatureLoss', student='student.stage5', teacher='teacher.stage5',
                        weight=1 / 3),
    loss_d2_decoder=dict(type='FeatureLoss', student='student.decoder',
                         teacher='teacher.decoder', weight=1 / 3),
    loss_contrast=dict(type='PixelContrastLoss',
                       student=['student.infrared2', 'student.infrared3', 'student.infrared4',
                                'student.infrared5']))
