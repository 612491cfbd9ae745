_base_ = ['../_base_/models/resnet18_cls.py', '../_base_/datasets/cremad.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
model = dict(students=dict(student=dict(
    modality='audio',
    model=dict(backbone=dict(in_channels=1), head=dict(num_classes=6)))))
