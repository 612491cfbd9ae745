# CSK-Net: the network but for its baseline, and L_D1, L_D2 and L_CL of eq. 11; L_seg is the
# network's. Taps without a number are of the optical branch, infrared2 to infrared5 are the last
# four stages of the infrared branch. What differs from the paper is in `paper`, for the configs
# that end in _paper.
taps = dict(
    logits='decode_heads.optical.conv_seg', stage4='backbone[optical][2]',
    stage5='backbone[optical][3]', decoder='decode_heads.optical.sep_bottleneck',
    infrared2='backbone[infrared][0]', infrared3='backbone[infrared][1]',
    infrared4='backbone[infrared][2]', infrared5='backbone[infrared][3]',
    infrared='decode_heads.infrared.conv_seg', fused='fusion_head.conv_seg')
network = dict(_scope_='mmseg', type='mmfkd.CSKNet',
               fusion_head=dict(type='mmfkd.GatedSpectralHead', gated=True))
# The optical branch is given features of the infrared one, and not the other way round: what has to
# predict by itself is trained by itself.
exchange = dict(channel=dict(threshold=0.02, ratio=None, receivers=['optical']),
                spatial=dict(receivers=['optical']))
losses = dict(
    loss_d1=dict(type='SoftLabelLoss', student='student.logits', teacher='teacher.logits'),
    loss_d2_stage4=dict(type='FeatureLoss', student='student.stage4', teacher='teacher.stage4',
                        weight=1 / 3),
    loss_d2_stage5=dict(type='FeatureLoss', student='student.stage5', teacher='teacher.stage5',
                        weight=1 / 3),
    loss_d2_decoder=dict(type='FeatureLoss', student='student.decoder',
                         teacher='teacher.decoder', weight=1 / 3),
    # The infrared branch learns from what both say together.
    loss_self=dict(type='SoftLabelLoss', student='student.infrared', teacher='student.fused',
                   ce_weight=0),
    loss_contrast=dict(type='PixelContrastLoss', norm=True, weight=0.1,
                       student=['student.infrared2', 'student.infrared3', 'student.infrared4',
                                'student.infrared5']))
# The contrast begins with the eleventh of 200 epochs, with all pixels, and ends with a tenth.
schedule = dict(
    contrast_weight=dict(type='LossWeightHook', loss='loss_contrast', start=0.0, stop=0.1,
                         begin=10, end=10),
    contrast_share=dict(type='LossWeightHook', loss='loss_contrast', number='hard_ratio',
                        start=1.0, stop=0.1, begin=10, end=50),
    contrast_collapse=dict(type='ContrastCollapseHook'))
paper = dict(
    students=dict(student=dict(model=dict(exchange=dict(
        channel=dict(receivers=None), spatial=dict(receivers=None))))),
    losses=dict(loss_self=None, loss_contrast=dict(norm=False, weight=1.0)))
