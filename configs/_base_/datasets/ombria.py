# OMBRIA has no val split: a seeded tenth of train is held out to select on.
data_root = 'data/ombria'
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomFlip', prob=[0.25, 0.25], direction=['horizontal', 'vertical']),
    dict(type='PackModalities')]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='PackModalities')]
train_dataloader = dict(
    batch_size=16, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='OmbriaDataset', data_root=data_root, split='train', subset='fit',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='OmbriaDataset', data_root=data_root, split='train', subset='val',
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='OmbriaDataset', data_root=data_root, split='test', pipeline=test_pipeline,
                 test_mode=True))
val_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
