# MMANet on ESANet-R50, or on ResNet-18 of half the width in its small form. Without MAD and MAR it
# is a network with random masks.
_base_ = ['../pairs/streets_rgb-ir.py']
unimodal = _base_.model.students.student.model
small = _base_.get('small', False)
stages = (32, 64, 128, 256) if small else (256, 512, 1024, 2048)
widths = (64, 128, 256, 256) if small else (128, 256, 512, 512)
backbone = dict(
    type='ResNet', depth=50, in_channels=unimodal.backbone.get('in_channels', 3), num_stages=4,
    out_indices=(0, 1, 2, 3),
    strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), norm_cfg=dict(type='BN'), style='pytorch',
    init_cfg=dict(type='mmfkd.InflatedPretrained', checkpoint='torchvision://resnet50'))
if small:
    backbone.update(depth=18, base_channels=32, stem_channels=32, init_cfg=None,
                    zero_init_residual=False)
# What the losses compare, and the four scales of the auxiliary head.
taps = dict(
    context='neck.context', skip3='neck.skips.2', skip2='neck.skips.1',
    logits='decode_head.upsample', mask='mask', weak='auxiliary_head.upsample',
    weak8='auxiliary_head.stages.2.side', weak16='auxiliary_head.stages.1.side',
    weak32='auxiliary_head.stages.0.side')
losses = dict(
    loss_mad=dict(type='MADLoss',
                  student=['student.context', 'student.skip3', 'student.skip2'],
                  teacher=['teacher.context', 'teacher.skip3', 'teacher.skip2'],
                  margin='teacher.logits', weight=4.0),
    loss_mar=dict(type='ModalityRegularizationLoss',
                  student=['student.weak', 'student.weak8', 'student.weak16', 'student.weak32'],
                  mask='student.mask', weight=0.2, modalities=_base_.both.modality,
                  weak=[_base_.both.modality[-1]]))
model = dict(
    data_preprocessor=dict(size_divisor=32),
    teachers=dict(teacher=dict(config=f'mmanet-full/{_base_.pair}')),
    students=dict(student=dict(
        _base_.both, _delete_=True, taps=taps,
        model=dict(
            _scope_='mmseg', type='mmfkd.MMANet', mask=True, auxiliary=True,
            backbones={name: backbone for name in _base_.both.modality},
            neck=dict(type='mmfkd.ESANetNeck', in_channels=stages, out_channels=widths),
            decode_head=dict(type='mmfkd.ESANetHead', in_channels=widths,
                             num_classes=unimodal.decode_head.num_classes)))),
    losses=losses)
# Selected is what does well with both modalities and with each alone.
metric = _base_.val_evaluator.get('metric', _base_.val_evaluator)
val_evaluator = dict(_delete_=True, type='PerBranchMetric', metric=metric,
                     mean=['+'.join(subset) for subset in _base_.both.subsets])
# Both losses begin with the twelfth of the authors' 300 epochs, and with the second of a short run.
begin = 1 if small else 11
default_hooks = dict(
    checkpoint=dict(save_best='mean/' + _base_.default_hooks.checkpoint.save_best),
    mad_weight=dict(type='LossWeightHook', loss='loss_mad', start=0, stop=4.0, begin=begin,
                    end=begin),
    mar_weight=dict(type='LossWeightHook', loss='loss_mar', start=0, stop=0.2, begin=begin,
                    end=begin))
# The teacher: the same network on complete inputs.
presets = dict(full=dict(
    model=dict(
        teachers=dict(_delete_=True),
        students=dict(student=dict(
            subsets=(),
            taps=dict(_delete_=True, context='neck.context', skip3='neck.skips.2',
                      skip2='neck.skips.1', logits='decode_head.upsample',
                      stage16='decode_head.stages.0[0]'),
            model=dict(mask=False, auxiliary=False))),
        losses=dict(_delete_=True)),
    val_evaluator=dict(_delete_=True, type='PerBranchMetric', metric=metric),
    default_hooks=dict(
        checkpoint=dict(save_best=_base_.default_hooks.checkpoint.save_best),
        mad_weight=None, mar_weight=None)))
