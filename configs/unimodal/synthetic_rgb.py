_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/rooms.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# Short, from scratch and with every layer at half its width: a first run needs neither files nor
# network nor GPU.
train_cfg = dict(max_epochs=40, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=0.05))
default_hooks = dict(checkpoint=dict(interval=20), prediction_panel=dict(interval=40))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='rgb',
    norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    model=dict(
        backbone=dict(in_channels=3, init_cfg=None, base_channels=32, stem_channels=32),
        decode_head=dict(num_classes=4, in_channels=256, channels=64, c1_in_channels=32,
                         c1_channels=12)))))
