# BERT-base from its pretrained weights (FDKD, A.3); pretrained is a directory or a name on the hub.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        taps=dict(feat='backbone[0]', logits='head.fc'),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(type='mmfkd.BertEncoder', pretrained='data/crisismmd/bert'),
            head=dict(type='LinearClsHead', in_channels=768,
                      loss=dict(type='CrossEntropyLoss'))))))
