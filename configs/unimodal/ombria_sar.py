_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/ombria.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
# From scratch; ImageNet weights as in the other configs: backbone.init_cfg.
model = dict(students=dict(student=dict(
    modality='sar',
    norm=dict(mean=[151.8], std=[50.1]),
    model=dict(backbone=dict(in_channels=1, init_cfg=None),
               decode_head=dict(num_classes=2)))))
