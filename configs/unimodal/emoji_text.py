_base_ = ['../_base_/models/bert_cls.py', '../_base_/datasets/emoji.py',
          '../_base_/schedules/cls_adam_20e.py', '../_base_/default_runtime.py']
# MiniLM, BERT of six layers at half its width, from weights that the package registry has.
train_cfg = dict(max_epochs=4)
optim_wrapper = dict(optimizer=dict(lr=5e-5))
relative_lr = 0.1
channels = dict(feat=384, stages=(384, 384, 384, 384))
model = dict(students=dict(student=dict(
    modality='text',
    model=dict(backbone=dict(pretrained='data/pretrained/minilm'),
               head=dict(in_channels=384, num_classes=9)))))
