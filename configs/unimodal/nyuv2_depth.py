_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/nyuv2.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
model = dict(students=dict(student=dict(
    modality='depth',
    norm=dict(mean=[2841.95], std=[1417.26]),
    model=dict(backbone=dict(in_channels=1), decode_head=dict(num_classes=40)))))
