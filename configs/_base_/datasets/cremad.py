# CREMA-D: 257x299 spectrograms of 3 s, one frame. It has no val split: to select on, a seeded tenth
# of train is held out, of actors that the rest does not have.
data_root = 'data/cremad'
sound = [
    dict(type='LoadAudio', rate=16000),
    dict(type='FitLength', seconds=3),
    dict(type='LogSpectrogram')]
visual_train = [
    dict(type='LoadFrames', num_frames=1, random=True),
    dict(type='TransformImages', modality='visual', transforms=[
        dict(type='mmpretrain.RandomResizedCrop', scale=224),
        dict(type='mmpretrain.RandomFlip', prob=0.5)])]
visual_test = [
    dict(type='LoadFrames', num_frames=1),
    dict(type='TransformImages', modality='visual',
         transforms=[dict(type='mmpretrain.Resize', scale=(224, 224))])]
train_pipeline = [*sound, *visual_train, dict(type='PackPairs')]
test_pipeline = [*sound, *visual_test, dict(type='PackPairs')]
train_dataloader = dict(
    batch_size=64, num_workers=4, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CREMADDataset', data_root=data_root, split='train', subset='fit',
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CREMADDataset', data_root=data_root, split='train', subset='val',
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CREMADDataset', data_root=data_root, split='test',
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
