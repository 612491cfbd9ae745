# DeepLabV3+ on ResNet-18 at output stride 16 (FDKD, section 5.2), from ImageNet weights.
# What inherits it says modality, norm, input channels and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        # Stages after (layer) and before (pre) their last ReLU; stage4 and stage5 are CSK-Net's
        # names for the last two.
        taps=dict(feat='backbone.layer4.1.relu@in', logits='decode_head.conv_seg',
                  stage4='backbone[2]', stage5='backbone[3]',
                  decoder='decode_head.sep_bottleneck',
                  layer1='backbone.layer1', layer2='backbone.layer2',
                  layer3='backbone.layer3', layer4='backbone.layer4',
                  pre1='backbone.layer1.1.relu@in', pre2='backbone.layer2.1.relu@in',
                  pre3='backbone.layer3.1.relu@in', pre4='backbone.layer4.1.relu@in'),
        model=dict(
            _scope_='mmseg',
            type='EncoderDecoder',
            backbone=dict(
                type='ResNet', depth=18, num_stages=4, out_indices=(0, 1, 2, 3),
                strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), contract_dilation=True,
                norm_cfg=dict(type='BN'), style='pytorch',
                init_cfg=dict(type='mmfkd.InflatedPretrained',
                              checkpoint='torchvision://resnet18')),
            decode_head=dict(
                type='DepthwiseSeparableASPPHead', in_channels=512, in_index=3, channels=128,
                dilations=(1, 6, 12, 18), c1_in_channels=64, c1_channels=24, dropout_ratio=0.1,
                norm_cfg=dict(type='BN'), align_corners=False,
                loss_decode=dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True)),
            train_cfg=dict(),
            test_cfg=dict(mode='whole')))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=512, stages=(64, 128, 256, 512))
# For methods that work inside the network: the last batch norm of each stage, the second one of
# each block, and the last two stages.
stage_norms = ('bn1', 'layer1.1.bn2', 'layer2.1.bn2', 'layer3.1.bn2', 'layer4.1.bn2')
block_norms = ('layer1.0.bn2', 'layer1.1.bn2', 'layer2.0.bn2', 'layer2.1.bn2',
               'layer3.0.bn2', 'layer3.1.bn2', 'layer4.0.bn2', 'layer4.1.bn2')
last_stages = ('layer3', 'layer4')
specific = last_stages
