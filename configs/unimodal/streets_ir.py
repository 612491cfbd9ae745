# Rendered streets by day and by night, infrared. Short, and with every layer at half its width: a
# first run needs neither files nor network nor GPU.
_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/streets.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=12, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='ir',
    norm=dict(mean=[110.0] * 3, std=[50.0] * 3),
    model=dict(
        backbone=dict(in_channels=3, init_cfg=None, base_channels=32, stem_channels=32,
                      zero_init_residual=False),
        decode_head=dict(
            num_classes=9, in_channels=256, channels=64, c1_in_channels=32, c1_channels=12,
            loss_decode=[dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True),
                         dict(type='mmfkd.MulticlassDiceLoss')])))))
