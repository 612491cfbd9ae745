_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/rooms.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# Short, from scratch and with every layer at half its width: a first run needs neither files nor
# network nor GPU. As a teacher it is trained longer than its student.
train_cfg = dict(max_epochs=60, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=0.05))
default_hooks = dict(checkpoint=dict(interval=20), prediction_panel=dict(interval=60))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='depth',
    norm=dict(mean=[2841.95], std=[1417.26]),
    model=dict(
        backbone=dict(in_channels=1, init_cfg=None, base_channels=32, stem_channels=32),
        decode_head=dict(num_classes=4, in_channels=256, channels=64, c1_in_channels=32,
                         c1_channels=12)))))
