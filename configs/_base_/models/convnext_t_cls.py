# ConvNeXt-T (Liu et al., arXiv 2201.03545), as in mmpretrain, from ImageNet weights. Its stages end
# without an activation, so layer and pre are the same. What inherits it says modality and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        taps=dict(feat='backbone[0]', logits='head.fc',
                  layer1='backbone.stages.0', layer2='backbone.stages.1',
                  layer3='backbone.stages.2', layer4='backbone.stages.3',
                  pre1='backbone.stages.0', pre2='backbone.stages.1',
                  pre3='backbone.stages.2', pre4='backbone.stages.3'),
        norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(
                type='ConvNeXt', arch='tiny', drop_path_rate=0.1,
                init_cfg=dict(
                    type='mmfkd.InflatedPretrained', prefix='backbone.',
                    checkpoint='https://mmassets.onedl.ai/mmclassification/v0/convnext/'
                               'convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth')),
            head=dict(type='LinearClsHead', in_channels=768,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=768, stages=(96, 192, 384, 768))
