_base_ = ['../_base_/models/resnet18_cls.py', '../_base_/datasets/talking_heads.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
# Short, and with every layer at half its width: a first run needs neither files nor network nor
# GPU.
train_cfg = dict(max_epochs=12, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=0.05))
default_hooks = dict(checkpoint=dict(interval=2))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='audio',
    norm=dict(mean=[-16.0], std=[2.1]),
    model=dict(backbone=dict(in_channels=1, stem_channels=32, base_channels=32),
               head=dict(num_classes=6, in_channels=256)))))
