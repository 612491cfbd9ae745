# The same with a loss of mmfkd beside the one of mmseg, whose names say which is which.
_base_ = ['mmseg_nyuv2_depth.py']
model = dict(decode_head=dict(loss_decode=[
    dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True),
    dict(type='mmfkd.MulticlassDiceLoss', loss_weight=0.5)]))
