# The gray baseline of CSK-Net: cross entropy and Dice, three channels, and residual branches that
# do not start at zero, as channels of small scale are exchanged. Otherwise as mars_gray.py.
_base_ = ['../_base_/models/deeplabv3plus_r18.py', '../_base_/datasets/mars_grey3.py',
          '../_base_/schedules/seg_sgd_50e.py', '../_base_/default_runtime.py']
train_cfg = dict(max_epochs=15, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=3))
channels = dict(feat=256, stages=(32, 64, 128, 256))
model = dict(students=dict(student=dict(
    modality='gray',
    norm=dict(mean=[125.3] * 3, std=[22.0] * 3),
    model=dict(
        backbone=dict(in_channels=3, init_cfg=None, base_channels=32, stem_channels=32,
                      zero_init_residual=False),
        decode_head=dict(
            num_classes=2, in_channels=256, channels=64, c1_in_channels=32, c1_channels=12,
            loss_decode=[dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True),
                         dict(type='mmfkd.MulticlassDiceLoss')])))))
