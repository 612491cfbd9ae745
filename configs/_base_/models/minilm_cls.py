# MiniLM (Wang et al., arXiv 2002.10957): BERT of six layers at half its width, from a local folder.
_base_ = ['bert_cls.py']
model = dict(students=dict(student=dict(
    modality='text',
    model=dict(backbone=dict(pretrained='data/pretrained/minilm'), head=dict(in_channels=384)))))
channels = dict(feat=384, stages=(384, 384, 384, 384))
