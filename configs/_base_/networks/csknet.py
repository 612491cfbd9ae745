# CSK-Net: L_D1, L_D2 and L_CL of eq. 11 beside the network's own L_seg.
_base_ = ['../pairs/streets_rgb-ir.py']
unimodal = _base_.model.students.student.model
# Small images and short runs: fewer pixels in the contrast, which begins earlier.
small = _base_.get('small', False)
# Taps without a number are of the optical branch, infrared2 to infrared5 are the last four stages
# of the infrared branch.
taps = dict(
    logits='decode_heads.optical.conv_seg', stage4='backbone[optical][2]',
    stage5='backbone[optical][3]', decoder='decode_heads.optical.sep_bottleneck',
    infrared2='backbone[infrared][0]', infrared3='backbone[infrared][1]',
    infrared4='backbone[infrared][2]', infrared5='backbone[infrared][3]',
    infrared='decode_heads.infrared.conv_seg', fused='fusion_head.conv_seg')
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
    loss_contrast=dict(
        type='PixelContrastLoss', norm=True, weight=0.1, in_channels=_base_.channels.stages,
        student=['student.infrared2', 'student.infrared3', 'student.infrared4',
                 'student.infrared5'],
        **(dict(channels=128, max_anchors=256, max_samples=1024) if small else {})))
model = dict(
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=taps,
        model=dict(
            _scope_='mmseg', type='mmfkd.CSKNet', modalities=_base_.both.modality,
            backbone=unimodal.backbone, decode_head=unimodal.decode_head,
            fusion_head=dict(type='mmfkd.GatedSpectralHead', gated=True),
            # What has to predict by itself is trained by itself, without exchange, and by labels.
            supervised=['fused', 'infrared', 'optical']))),
    losses=losses)
# Selected is what does well with both modalities and with each alone.
metric = _base_.val_evaluator.get('metric', _base_.val_evaluator)
val_evaluator = dict(_delete_=True, type='PerBranchMetric', metric=metric,
                     mean=['+'.join(subset) for subset in _base_.both.subsets])
# The contrast begins with the eleventh of 200 epochs, or the second of a short run, with all
# pixels, and ends with a tenth.
begin, end = (1, 5) if small else (10, 50)
default_hooks = dict(
    checkpoint=dict(save_best='mean/' + _base_.default_hooks.checkpoint.save_best),
    contrast_weight=dict(type='LossWeightHook', loss='loss_contrast', start=0.0, stop=0.1,
                         begin=begin, end=begin),
    contrast_share=dict(type='LossWeightHook', loss='loss_contrast', number='hard_ratio',
                        start=1.0, stop=0.1, begin=begin, end=end),
    contrast_collapse=dict(type='ContrastCollapseHook'))
# The paper has the mixed feature exchange, no labels for the optical output, and the contrast from
# the start, without a norm.
presets = dict(paper=dict(
    model=dict(
        students=dict(student=dict(model=dict(
            supervised=['fused', 'infrared'],
            exchange=dict(
                channel=dict(threshold=0.02, ratio=None, probability=1.0, receivers=None,
                             norms=_base_.stage_norms),
                spatial=dict(probability=1.0, receivers=None, stages=_base_.last_stages))))),
        losses=dict(loss_self=None, loss_contrast=dict(norm=False, weight=1.0))),
    default_hooks=dict(contrast_weight=None, contrast_share=None)))
