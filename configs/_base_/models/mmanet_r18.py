# MMANet on ResNet-18 of half the width, for CPUs; otherwise as mmanet_r50.py.
_base_ = ['mmanet_r50.py']
backbone = dict(depth=18, base_channels=32, stem_channels=32, init_cfg=None,
                zero_init_residual=False)
widths = (64, 128, 256, 256)
network = dict(neck=dict(in_channels=(32, 64, 128, 256), out_channels=widths))
head = dict(in_channels=widths)
# The share of a short run that eleven epochs are of 300.
schedule = dict(mad_weight=dict(begin=1, end=1), mar_weight=dict(begin=1, end=1))
