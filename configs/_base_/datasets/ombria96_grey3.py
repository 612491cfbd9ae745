# OMBRIA at 96x96 with SAR as three equal channels, as convolutions that both modalities share need
# it, and with the IoU of each class.
_base_ = ['ombria96.py']
modalities = dict(optical=dict(folder='{split}/optical', suffix='.jpg', channels=3),
                  sar=dict(folder='{split}/sar', suffix='.jpg', channels=3))
train_dataloader = dict(dataset=dict(modalities=modalities))
val_dataloader = dict(dataset=dict(modalities=modalities))
test_dataloader = dict(dataset=dict(modalities=modalities))
val_evaluator = dict(_delete_=True, type='PerBranchMetric',
                     metric=dict(type='ClassIoU', iou_metrics=['mIoU']))
test_evaluator = val_evaluator
