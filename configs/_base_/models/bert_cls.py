# BERT-base from its pretrained weights (FDKD, A.3); pretrained is a directory or a name on the hub.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        # The tokens behind each quarter of the layers stand for stages.
        taps=dict(feat='backbone[0]', logits='head.fc',
                  layer1='backbone.stages.0', layer2='backbone.stages.1',
                  layer3='backbone.stages.2', layer4='backbone.stages.3',
                  pre1='backbone.stages.0', pre2='backbone.stages.1',
                  pre3='backbone.stages.2', pre4='backbone.stages.3'),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(type='mmfkd.BertEncoder', pretrained='data/crisismmd/bert'),
            head=dict(type='LinearClsHead', in_channels=768,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=768, stages=(768, 768, 768, 768))
