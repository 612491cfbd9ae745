_base_ = ['../_base_/models/mobilenetv2_cls.py', '../_base_/datasets/emoji.py',
          '../_base_/schedules/cls_sgd_100e.py', '../_base_/default_runtime.py']
# For a CPU: 8 epochs from ImageNet weights that the package registry has.
train_cfg = dict(max_epochs=8)
model = dict(students=dict(student=dict(
    modality='image',
    model=dict(
        backbone=dict(init_cfg=dict(
            prefix='', checkpoint='data/pretrained/mobilenet_v2.pth')),
        head=dict(num_classes=9)))))
