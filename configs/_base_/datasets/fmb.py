# FMB has no val split: a seeded tenth of train is held out to select on. All 1220 training images,
# as in the paper: train_dataloader.dataset.subset=None (and take the last checkpoint). fmb14.py has
# the 14 categories without background. The model base pads 600 to 608, a multiple of 16.
data_root = 'data/fmb'
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='PackModalities')]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='PackModalities')]
train_dataloader = dict(
    batch_size=8, num_workers=4, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='FMBDataset', data_root=data_root, split='train', subset='fit',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='FMBDataset', data_root=data_root, split='train', subset='val',
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=1, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='FMBDataset', data_root=data_root, split='test', pipeline=test_pipeline,
                 test_mode=True))
val_evaluator = dict(type='PerBranchMetric', metric=dict(type='ClassIoU', iou_metrics=['mIoU']))
test_evaluator = val_evaluator
