# BERT-base from its pretrained weights (FDKD, A.3); pretrained is a directory or a name on the hub.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        # The tokens after each quarter of the layers stand for stages.
        taps=dict(feat='backbone[0]', logits='head.fc',
                  layer1='backbone.stages.0:NLC', layer2='backbone.stages.1:NLC',
                  layer3='backbone.stages.2:NLC', layer4='backbone.stages.3:NLC',
                  pre1='backbone.stages.0:NLC', pre2='backbone.stages.1:NLC',
                  pre3='backbone.stages.2:NLC', pre4='backbone.stages.3:NLC'),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(type='mmfkd.BertEncoder', pretrained='data/crisismmd/bert'),
            head=dict(type='LinearClsHead', in_channels=768,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=768, stages=(768, 768, 768, 768))
