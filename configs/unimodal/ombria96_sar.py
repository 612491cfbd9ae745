_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/ombria96.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# For a CPU: from scratch, 15 epochs, output stride 32 in place of 16.
train_cfg = dict(max_epochs=15, val_interval=3)
model = dict(students=dict(student=dict(
    modality='sar',
    norm=dict(mean=[151.8], std=[50.1]),
    model=dict(backbone=dict(in_channels=1, init_cfg=None, strides=(1, 2, 2, 2),
                             dilations=(1, 1, 1, 1)),
               decode_head=dict(num_classes=2)))))
