# MMANet on ESANet-R50: the network but for modalities and classes, MAD and MAR. The teacher is the
# same network on complete inputs.
data_preprocessor = dict(size_divisor=32)
backbone = dict(
    type='ResNet', depth=50, in_channels=3, num_stages=4, out_indices=(0, 1, 2, 3),
    strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), norm_cfg=dict(type='BN'), style='pytorch',
    init_cfg=dict(type='mmfkd.InflatedPretrained', checkpoint='torchvision://resnet50'))
widths = (128, 256, 512, 512)
network = dict(
    _scope_='mmseg', type='mmfkd.MMANet',
    neck=dict(type='mmfkd.ESANetNeck', in_channels=(256, 512, 1024, 2048), out_channels=widths))
head = dict(type='mmfkd.ESANetHead', in_channels=widths)
# What the losses compare, and the four scales of the auxiliary head.
taps = dict(
    context='neck.context', skip3='neck.skips.2', skip2='neck.skips.1',
    logits='decode_head.upsample', mask='mask', weak='auxiliary_head.upsample',
    weak8='auxiliary_head.stages.2.side', weak16='auxiliary_head.stages.1.side',
    weak32='auxiliary_head.stages.0.side')
full_taps = dict(context='neck.context', skip3='neck.skips.2', skip2='neck.skips.1',
                 logits='decode_head.upsample', stage16='decode_head.stages.0[0]')
losses = dict(
    loss_mad=dict(type='MADLoss',
                  student=['student.context', 'student.skip3', 'student.skip2'],
                  teacher=['teacher.context', 'teacher.skip3', 'teacher.skip2'],
                  margin='teacher.logits', weight=4.0),
    loss_mar=dict(type='ModalityRegularizationLoss',
                  student=['student.weak', 'student.weak8', 'student.weak16', 'student.weak32'],
                  mask='student.mask', weight=0.2))
# Both begin with the twelfth of the authors' 300 epochs.
schedule = dict(
    mad_weight=dict(type='LossWeightHook', loss='loss_mad', start=0, stop=4.0, begin=11, end=11),
    mar_weight=dict(type='LossWeightHook', loss='loss_mar', start=0, stop=0.2, begin=11, end=11))
