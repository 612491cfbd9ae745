_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/synthetic.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# Short and from scratch: a first run needs neither files nor network.
train_cfg = dict(max_epochs=10, val_interval=5)
model = dict(students=dict(student=dict(
    modality='depth',
    norm=dict(mean=[2841.95], std=[1417.26]),
    model=dict(backbone=dict(in_channels=1, init_cfg=None),
               decode_head=dict(num_classes=12)))))
