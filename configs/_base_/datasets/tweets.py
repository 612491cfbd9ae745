# Rendered tweets with CrisisMMD's classes, no files. The three seeds are disjoint splits.
tokens = dict(type='TokenizeText', tokenizer='synthetic', max_length=40)
train_pipeline = [
    dict(type='RenderTextImage'),
    tokens,
    dict(type='TransformImages', modality='image', transforms=[
        dict(type='mmpretrain.RandomFlip', prob=0.5)]),
    dict(type='PackPairs')]
test_pipeline = [dict(type='RenderTextImage'), tokens, dict(type='PackPairs')]
train_dataloader = dict(
    batch_size=64, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='SyntheticTextImage', num_samples=1800, seed=0, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticTextImage', num_samples=300, seed=1, pipeline=test_pipeline,
                 test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticTextImage', num_samples=600, seed=2, pipeline=test_pipeline,
                 test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
