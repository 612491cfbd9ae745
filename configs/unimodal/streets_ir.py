# Rendered streets by day and by night, infrared: a first run needs neither files nor network nor
# GPU.
_base_ = ['../_base_/models/deeplabv3plus_r18_small.py', '../_base_/datasets/streets.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=12, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
model = dict(students=dict(student=dict(
    modality='ir',
    norm=dict(mean=[110.0] * 3, std=[50.0] * 3),
    model=dict(decode_head=dict(num_classes=9)))))
