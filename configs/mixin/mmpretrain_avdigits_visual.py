# Plain mmpretrain, no distiller: an ImageClassifier on the images of AVDigits that uses a data set
# and hooks of mmfkd. Any mmpretrain config can do the same.
custom_imports = dict(imports=['mmfkd'])
default_scope = 'mmpretrain'
pipeline = [
    dict(type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow'),
    dict(type='Resize', scale=(32, 32)),
    dict(type='PackInputs')]
dataset_type = 'mmfkd.AVDigitsDataset'
data_root = 'data/avdigits'
train_dataloader = dict(
    batch_size=32, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', modalities=['visual'],
                 recordings=(10, 20), pipeline=pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', modalities=['visual'],
                 recordings=(5, 10), pipeline=pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='test', modalities=['visual'],
                 pipeline=pipeline, test_mode=True))
val_evaluator = dict(type='Accuracy', topk=(1,))
test_evaluator = val_evaluator
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(mean=[33.3], std=[78.6], to_rgb=False),
    backbone=dict(type='ResNet', depth=18, in_channels=1, base_channels=16, stem_channels=16),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=128,
              loss=dict(type='CrossEntropyLoss')))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint=dict(type='mmfkd.CheckpointHook', save_best='accuracy/top1', max_keep_ckpts=2,
                    backend_args=dict(backend='mmfkd.atomic')),
    epoch_seed=dict(type='mmfkd.EpochSeedHook'),
    finite_loss=dict(type='mmfkd.FiniteLossHook'))
randomness = dict(seed=0)
