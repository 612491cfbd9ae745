_base_ = ['../_base_/models/minilm_cls.py', '../_base_/datasets/emoji.py',
          '../_base_/schedules/cls_adam_20e.py', '../_base_/default_runtime.py']
# MiniLM from weights that the package registry has.
train_cfg = dict(max_epochs=4)
optim_wrapper = dict(optimizer=dict(lr=5e-5))
relative_lr = 0.1
model = dict(students=dict(student=dict(model=dict(head=dict(num_classes=9)))))
