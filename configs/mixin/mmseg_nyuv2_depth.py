# Plain mmseg, no distiller: an EncoderDecoder on NYUv2 depth that uses a data set, a transform and
# hooks of mmfkd. Any mmseg config can do the same.
custom_imports = dict(imports=['mmfkd'])
default_scope = 'mmseg'
load_depth = dict(type='mmfkd.LoadModality', modality='depth')
train_pipeline = [
    load_depth,
    dict(type='mmfkd.LoadCheckedAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')]
test_pipeline = [load_depth, dict(type='mmfkd.LoadCheckedAnnotations'), dict(type='PackSegInputs')]
dataset_type = 'mmfkd.NYUv2Dataset'
data_root = 'data/nyuv2'
train_dataloader = dict(
    batch_size=16, num_workers=4, sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', subset='fit',
                 modalities=['depth'], pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=4, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', subset='val',
                 modalities=['depth'], pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=1, num_workers=4, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='test', modalities=['depth'],
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[2841.95], std=[1417.26], size=None,
                           size_divisor=16),
    backbone=dict(type='ResNet', depth=18, in_channels=1, num_stages=4,
                  out_indices=(0, 1, 2, 3), norm_cfg=dict(type='BN')),
    decode_head=dict(type='FCNHead', in_channels=512, in_index=3, channels=128, num_convs=1,
                     num_classes=40, norm_cfg=dict(type='BN'), align_corners=False,
                     loss_decode=dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, by_epoch=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint=dict(type='mmfkd.CheckpointHook', save_best='mIoU',
                    backend_args=dict(backend='mmfkd.atomic')),
    epoch_seed=dict(type='mmfkd.EpochSeedHook'),
    finite_loss=dict(type='mmfkd.FiniteLossHook'))
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=0)
