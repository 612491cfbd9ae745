# Mars landslides with gray as three equal channels, as convolutions that two modalities share need
# it, and with the IoU of each class.
_base_ = ['mars.py']
modalities = dict(rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
                  aux=dict(folder='{split}/aux', suffix='.png', channels=3),
                  gray=dict(folder='{split}/gray', suffix='.png', channels=3))
train_dataloader = dict(dataset=dict(modalities=modalities))
val_dataloader = dict(dataset=dict(modalities=modalities))
test_dataloader = dict(dataset=dict(modalities=modalities))
val_evaluator = dict(_delete_=True, type='PerBranchMetric',
                     metric=dict(type='ClassIoU', iou_metrics=['mIoU']))
test_evaluator = val_evaluator
