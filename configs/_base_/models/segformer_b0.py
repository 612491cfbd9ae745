# SegFormer-B0 (Xie et al., arXiv 2105.15203), as in mmseg, from ImageNet weights. Its stages end
# with a norm and no activation, so layer and pre are the same. What inherits it says modality,
# norm, input channels and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        taps=dict(feat='backbone[3]', logits='decode_head.conv_seg',
                  layer1='backbone[0]', layer2='backbone[1]',
                  layer3='backbone[2]', layer4='backbone[3]',
                  pre1='backbone[0]', pre2='backbone[1]',
                  pre3='backbone[2]', pre4='backbone[3]'),
        model=dict(
            _scope_='mmseg',
            type='EncoderDecoder',
            backbone=dict(
                type='MixVisionTransformer', in_channels=3, embed_dims=32, num_stages=4,
                num_layers=[2, 2, 2, 2], num_heads=[1, 2, 5, 8], patch_sizes=[7, 3, 3, 3],
                sr_ratios=[8, 4, 2, 1], out_indices=(0, 1, 2, 3), mlp_ratio=4, qkv_bias=True,
                drop_path_rate=0.1,
                init_cfg=dict(
                    type='mmfkd.InflatedPretrained',
                    checkpoint='https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/'
                               'mit_b0_20220624-7e0fe6dd.pth')),
            decode_head=dict(
                type='SegformerHead', in_channels=[32, 64, 160, 256], in_index=[0, 1, 2, 3],
                channels=256, dropout_ratio=0.1, norm_cfg=dict(type='BN'), align_corners=False,
                loss_decode=dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True)),
            train_cfg=dict(),
            test_cfg=dict(mode='whole')))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=256, stages=(32, 64, 160, 256))
