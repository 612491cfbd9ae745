# DeepLabV3+ for CSK-Net and its like on a CPU: from scratch, every layer at half its width, cross
# entropy and Dice, and residual branches that do not start at zero, as channels of small scale are
# exchanged. What inherits it says modality, norm and classes.
_base_ = ['deeplabv3plus_r18.py']
channels = dict(feat=256, stages=(32, 64, 128, 256))
# Networks of several modalities take their small form.
small = True
model = dict(students=dict(student=dict(model=dict(
    backbone=dict(in_channels=3, init_cfg=None, base_channels=32, stem_channels=32,
                  zero_init_residual=False),
    decode_head=dict(
        in_channels=256, channels=64, c1_in_channels=32, c1_channels=12,
        loss_decode=[dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True),
                     dict(type='mmfkd.MulticlassDiceLoss')])))))
