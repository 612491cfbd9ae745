# DeepLabV3+ on EfficientNet-B3 at output stride 16 (CSK-Net, section 3.1), from ImageNet weights.
# 11,089,345 parameters at 9 classes; with timm's last convolution, which no decoder uses and which
# the paper counts, they would be 11,682,241. What inherits it says modality and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor', size_divisor=16),
    students=dict(student=dict(
        # Infrared too, which is loaded as three equal channels.
        norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
        taps=dict(logits='decode_head.conv_seg', stage4='backbone[2]', stage5='backbone[3]',
                  decoder='decode_head.sep_bottleneck'),
        model=dict(
            _scope_='mmseg',
            type='EncoderDecoder',
            backbone=dict(
                type='TIMMBackbone', model_name='efficientnet_b3', features_only=True,
                pretrained=False, output_stride=16, out_indices=(1, 2, 3, 4),
                init_cfg=dict(
                    type='mmfkd.InflatedPretrained', into='timm_model.',
                    checkpoint='https://github.com/huggingface/pytorch-image-models/releases/'
                               'download/v0.1-weights/efficientnet_b3_ra2-cf984f9c.pth')),
            decode_head=dict(
                type='mmfkd.DeepLabV3PlusHead', in_channels=384, c1_in_channels=32, channels=256,
                c1_channels=48, dilations=(12, 24, 36), align_corners=False,
                loss_decode=[dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True),
                             dict(type='mmfkd.MulticlassDiceLoss')]),
            train_cfg=dict(),
            test_cfg=dict(mode='whole')))))
# Widths of the four stages, for methods that need them.
channels = dict(stages=(32, 48, 136, 384))
# For methods that work inside the network: the last batch norm of each stage, the one after each
# block's depthwise convolution, the last two stages and all their blocks.
stage_norms = ('timm_model.blocks.0.1.bn2', 'timm_model.blocks.1.2.bn3',
               'timm_model.blocks.2.2.bn3', 'timm_model.blocks.4.4.bn3',
               'timm_model.blocks.6.1.bn3')
block_norms = ('timm_model.blocks.0.0.bn1', 'timm_model.blocks.0.1.bn1',
               *(f'timm_model.blocks.{stage}.{block}.bn2'
                 for stage, blocks in ((1, 3), (2, 3), (3, 5), (4, 5), (5, 6), (6, 2))
                 for block in range(blocks)))
last_stages = ('timm_model.blocks.4', 'timm_model.blocks.6')
specific = ('timm_model.blocks.3', 'timm_model.blocks.4', 'timm_model.blocks.5',
            'timm_model.blocks.6')
