_base_ = ['../_base_/models/resnet18_cls.py', '../_base_/datasets/avdigits.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
# For a CPU: 20 epochs at a larger lr on batches of 32, every layer at half its width. The
# maximum over the epochs on test is written down beside the score that validation selects.
train_cfg = dict(max_epochs=20)
optim_wrapper = dict(optimizer=dict(lr=0.05))
default_hooks = dict(test_maximum=dict(type='TestMaximumHook', metric='accuracy/top1'))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='visual',
    norm=dict(mean=[33.3], std=[78.6]),
    model=dict(backbone=dict(in_channels=1, stem_channels=32, base_channels=32),
               head=dict(num_classes=10, in_channels=256)))))
