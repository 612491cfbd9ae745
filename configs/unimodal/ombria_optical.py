_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/ombria.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# From scratch; ImageNet weights as in the other configs: backbone.init_cfg.
model = dict(students=dict(student=dict(
    modality='optical',
    norm=dict(mean=[42.5, 59.6, 39.7], std=[33.0, 33.1, 32.4], bgr_to_rgb=True),
    model=dict(backbone=dict(in_channels=3, init_cfg=None),
               decode_head=dict(num_classes=2)))))
