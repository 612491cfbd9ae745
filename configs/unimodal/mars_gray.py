_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/mars.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# For a CPU: from scratch, 15 epochs, every layer at half its width.
train_cfg = dict(max_epochs=15)
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='gray',
    norm=dict(mean=[125.3], std=[22.0]),
    model=dict(
        backbone=dict(in_channels=1, init_cfg=None, base_channels=32, stem_channels=32),
        decode_head=dict(num_classes=2, in_channels=256, channels=64, c1_in_channels=32,
                         c1_channels=12)))))
