# CrisisMMD, humanitarian task, labels on which text and image agree: FDKD's five classes.
data_root = 'data/crisismmd'
tokens = [dict(type='TokenizeText', tokenizer='data/crisismmd/bert', max_length=40)]
train_pipeline = [
    *tokens,
    dict(type='LoadImage', modality='image'),
    dict(type='TransformImages', modality='image', transforms=[
        dict(type='mmpretrain.RandomResizedCrop', scale=224),
        dict(type='mmpretrain.RandomFlip', prob=0.5)]),
    dict(type='PackPairs')]
test_pipeline = [
    *tokens,
    dict(type='LoadImage', modality='image'),
    dict(type='TransformImages', modality='image',
         transforms=[dict(type='mmpretrain.Resize', scale=(224, 224))]),
    dict(type='PackPairs')]
train_dataloader = dict(
    batch_size=64, num_workers=4, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='train',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='val',
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='test',
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
