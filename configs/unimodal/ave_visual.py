_base_ = ['../_base_/models/resnet18_cls.py', '../_base_/datasets/ave.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
model = dict(students=dict(student=dict(
    modality='visual',
    norm=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    model=dict(backbone=dict(in_channels=3), head=dict(num_classes=28)))))
