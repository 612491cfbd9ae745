# Spoken and written digits, made hard: noise at 5 dB below the speech, and 600 training pairs of
# the 2700. Recordings 5 to 9 are held out to select on, 10 to 19 are trained on.
data_root = 'data/avdigits'
sound = [
    dict(type='LoadAudio', rate=8000),
    dict(type='FitLength', seconds=0.5)]
spectrogram = dict(type='LogSpectrogram', window=128, hop=64, eps=1e-10)
image = [
    dict(type='LoadImage', modality='visual',
         loader=dict(type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow')),
    dict(type='TransformImages', modality='visual',
         transforms=[dict(type='mmpretrain.Resize', scale=(32, 32))])]
train_pipeline = [*sound, dict(type='AddNoise', snr=5), spectrogram, *image,
                  dict(type='PackPairs')]
test_pipeline = [*sound, dict(type='AddNoise', snr=5, seed=0), spectrogram, *image,
                 dict(type='PackPairs')]
train_dataloader = dict(
    batch_size=32, num_workers=2, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='AVDigitsDataset', data_root=data_root, split='train', recordings=(10, 20),
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='AVDigitsDataset', data_root=data_root, split='train', recordings=(5, 10),
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='AVDigitsDataset', data_root=data_root, split='test',
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
