# Rendered streets by day and by night, optical: a first run needs neither files nor network nor
# GPU.
_base_ = ['../_base_/models/deeplabv3plus_r18_small.py', '../_base_/datasets/streets.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=12, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
model = dict(students=dict(student=dict(
    modality='rgb',
    norm=dict(mean=[70.0] * 3, std=[60.0] * 3, bgr_to_rgb=True),
    model=dict(decode_head=dict(num_classes=9)))))
