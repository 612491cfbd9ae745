# Mars landslides, split by blocks of touching tiles. Validation is a strip of ten columns of tiles,
# which does not touch others but at its borders.
data_root = 'data/mars_ls'
dataset = dict(
    type='RGBXDataset', data_root=data_root,
    metainfo=dict(classes=('background', 'landslide'), palette=[[150, 90, 60], [250, 220, 60]]),
    modalities=dict(
        rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
        aux=dict(folder='{split}/aux', suffix='.png', channels=3),
        gray=dict(folder='{split}/gray', suffix='.png', channels=1),
        thermal=dict(folder='{split}/thermal', suffix='.png', channels=1)))
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
held_out = dict(group=r'^col(\d{4})', val_fraction=0.1)
train_dataloader = dict(
    batch_size=16, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(dataset, **held_out, split='train', subset='fit', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, **held_out, split='train', subset='val', pipeline=test_pipeline,
                 test_mode=True))
test_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, split='test', pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
