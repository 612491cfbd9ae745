# DELIVER, with its own val split and crops of its large images; otherwise as MSRS.
_base_ = ['msrs.py']
data_root = 'data/deliver'
files = dict(type='DELIVERDataset', data_root=data_root)
crops = [
    dict(type='LoadModalities'),
    dict(type='LoadCheckedAnnotations'),
    dict(type='StackModalities'),
    dict(type='mmseg.RandomCrop', crop_size=(1024, 1024)),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='PackModalities')]
train_dataloader = dict(batch_size=4, dataset=dict(files, subset=None, pipeline=crops))
val_dataloader = dict(dataset=dict(files, split='val', subset=None))
test_dataloader = dict(dataset=files)
