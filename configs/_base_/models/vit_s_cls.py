# ViT-S/16 with DeiT's ImageNet weights (Touvron et al., arXiv 2012.12877), as in mmpretrain, for
# images of 224x224 (img_size of the backbone). The patches after each quarter of the layers stand
# for stages. What inherits it says modality and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        taps=dict(feat='backbone[0]', logits='head.layers.head',
                  layer1='backbone.layers.2:1+NPC', layer2='backbone.layers.5:1+NPC',
                  layer3='backbone.layers.8:1+NPC', layer4='backbone.layers.11:1+NPC',
                  pre1='backbone.layers.2:1+NPC', pre2='backbone.layers.5:1+NPC',
                  pre3='backbone.layers.8:1+NPC', pre4='backbone.layers.11:1+NPC'),
        norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(
                type='VisionTransformer', arch='deit-small', img_size=224, patch_size=16,
                # mmpretrain's networks with position embeddings keep those of this type alone.
                init_cfg=dict(
                    type='Pretrained', prefix='backbone.',
                    checkpoint='https://mmassets.onedl.ai/mmclassification/v0/deit/'
                               'deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth')),
            head=dict(type='VisionTransformerClsHead', in_channels=384,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=384, stages=(384, 384, 384, 384))
