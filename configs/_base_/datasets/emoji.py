# Emoji pictures of two vendors with their names, in nine groups. Both vendors and all variants of a
# thing are one group, which is held out whole: of single lines validation would know the answers.
data_root = 'data/emoji'
dataset = dict(
    type='ListDataset', data_root=data_root, columns=dict(image='path', text='text'), metainfo=dict(
        classes=('Activities', 'Animals & Nature', 'Flags', 'Food & Drink', 'Objects',
                 'People & Body', 'Smileys & Emotion', 'Symbols', 'Travel & Places')))
tokens = [dict(type='TokenizeText', tokenizer='data/pretrained/minilm', max_length=24)]
train_pipeline = [
    *tokens,
    dict(type='LoadImage', modality='image'),
    dict(type='TransformImages', modality='image', transforms=[
        dict(type='mmpretrain.RandomResizedCrop', scale=64, crop_ratio_range=(0.5, 1.0)),
        dict(type='mmpretrain.RandomFlip', prob=0.5)]),
    dict(type='PackPairs')]
test_pipeline = [*tokens, dict(type='LoadImage', modality='image'), dict(type='PackPairs')]
held_out = dict(group='group', val_fraction=0.1)
train_dataloader = dict(
    batch_size=32, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(dataset, **held_out, split='train', subset='fit', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, **held_out, split='train', subset='val', pipeline=test_pipeline,
                 test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, split='test', pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
