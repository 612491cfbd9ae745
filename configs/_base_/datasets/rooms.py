# Rendered scenes, no files. The three seeds are disjoint splits.
size = (64, 64)
train_pipeline = [
    dict(type='RenderRGBD'),
    dict(type='ForModality', modality='rgb', transforms=[
        dict(type='mmseg.PhotoMetricDistortion', contrast_range=(1.0, 1.0))]),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='PackModalities')]
test_pipeline = [
    dict(type='RenderRGBD'),
    dict(type='StackModalities'),
    dict(type='PackModalities')]
train_dataloader = dict(
    batch_size=16, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='SyntheticRGBD', num_scenes=200, size=size, seed=0,
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticRGBD', num_scenes=80, size=size, seed=1,
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=16, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticRGBD', num_scenes=160, size=size, seed=2,
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
