_base_ = ['../_base_/models/mobilenetv2_cls.py', '../_base_/datasets/emoji.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
# For a CPU: 6 epochs from ImageNet weights that the package registry has. A learning rate of 0.01
# would overwrite them.
train_cfg = dict(max_epochs=6)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
model = dict(students=dict(student=dict(
    modality='image',
    model=dict(
        backbone=dict(init_cfg=dict(
            prefix='', checkpoint='data/pretrained/mobilenet_v2.pth')),
        head=dict(num_classes=9)))))
