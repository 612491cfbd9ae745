# ResNet-18 from scratch (FDKD, A.3). What inherits it says modality, norm, channels and classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        # The pooled map before the last ReLU, as in the paper; layer4.1.relu is after it, as in
        # the authors' code. Stages after (layer) and before (pre) their last ReLU.
        taps=dict(feat='backbone.layer4.1.relu@in', logits='head.fc',
                  layer1='backbone.layer1', layer2='backbone.layer2',
                  layer3='backbone.layer3', layer4='backbone.layer4',
                  pre1='backbone.layer1.1.relu@in', pre2='backbone.layer2.1.relu@in',
                  pre3='backbone.layer3.1.relu@in', pre4='backbone.layer4.1.relu@in'),
        pool=['feat'],
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(type='ResNet', depth=18, num_stages=4, out_indices=(3,),
                          style='pytorch'),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', in_channels=512,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=512, stages=(64, 128, 256, 512))
