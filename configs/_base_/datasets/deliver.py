# DELIVER, with its own val split.
data_root = 'data/deliver'
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomCrop', crop_size=(1024, 1024)),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='PackModalities')]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='PackModalities')]
train_dataloader = dict(
    batch_size=4, num_workers=4, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='DELIVERDataset', data_root=data_root, split='train',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='DELIVERDataset', data_root=data_root, split='val',
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=1, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='DELIVERDataset', data_root=data_root, split='test', pipeline=test_pipeline,
                 test_mode=True))
val_evaluator = dict(type='PerBranchMetric', metric=dict(type='ClassIoU', iou_metrics=['mIoU']))
test_evaluator = val_evaluator
