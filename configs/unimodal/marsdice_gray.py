# The gray baseline of CSK-Net; the camera image is loaded as three equal channels.
_base_ = ['../_base_/models/deeplabv3plus_r18_small.py', '../_base_/datasets/mars_grey3.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=15, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=3))
model = dict(students=dict(student=dict(
    modality='gray',
    norm=dict(mean=[125.3] * 3, std=[22.0] * 3),
    model=dict(decode_head=dict(num_classes=2)))))
