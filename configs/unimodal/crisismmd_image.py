_base_ = ['../_base_/models/mobilenetv2_cls.py', '../_base_/datasets/crisismmd.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
model = dict(students=dict(student=dict(
    modality='image', model=dict(head=dict(num_classes=5)))))
