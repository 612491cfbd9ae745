_base_ = ['../_base_/models/bert_cls.py', '../_base_/datasets/crisismmd.py',
          '../_base_/schedules/cls_adam_20e.py', '../_base_/default_runtime.py']
model = dict(students=dict(student=dict(
    modality='text', model=dict(head=dict(num_classes=5)))))
