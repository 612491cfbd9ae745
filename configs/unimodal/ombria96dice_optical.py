# The optical baseline of CSK-Net.
_base_ = ['../_base_/models/deeplabv3plus_r18_small.py', '../_base_/datasets/ombria96_grey3.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=15, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=3))
model = dict(students=dict(student=dict(
    modality='optical',
    norm=dict(mean=[42.5, 59.6, 39.7], std=[33.0, 33.1, 32.4], bgr_to_rgb=True),
    model=dict(decode_head=dict(num_classes=2)))))
