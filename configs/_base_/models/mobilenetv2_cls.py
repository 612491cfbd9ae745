# MobileNetV2 from ImageNet weights (FDKD, A.3).
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        # The pooled map before the last ReLU6; conv2.activate is after it. The stages at strides 4
        # to 32 end without an activation, so layer and pre are the same.
        taps=dict(feat='backbone.conv2.activate@in', logits='head.fc',
                  layer1='backbone.layer2', layer2='backbone.layer3',
                  layer3='backbone.layer5', layer4='backbone.layer7',
                  pre1='backbone.layer2', pre2='backbone.layer3',
                  pre3='backbone.layer5', pre4='backbone.layer7'),
        pool=['feat'],
        norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(
                type='MobileNetV2', widen_factor=1.0,
                init_cfg=dict(
                    type='mmfkd.InflatedPretrained', prefix='backbone.',
                    checkpoint='https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/'
                               'mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth')),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', in_channels=1280,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=1280, stages=(24, 32, 96, 320))
