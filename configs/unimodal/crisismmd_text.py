_base_ = ['../_base_/models/bert_cls.py', '../_base_/datasets/crisismmd.py',
          '../_base_/schedules/cls_adam_20e.py', '../_base_/default_runtime.py']
# Where BERT and another network share an optimizer, BERT learns at a tenth of the other's rate.
relative_lr = 0.1
model = dict(students=dict(student=dict(
    modality='text', model=dict(head=dict(num_classes=5)))))
