# MFNet, with its own val split; otherwise as MSRS.
_base_ = ['msrs.py']
data_root = 'data/mfnet'
files = dict(type='MFNetDataset', data_root=data_root)
train_dataloader = dict(dataset=dict(files, subset=None))
val_dataloader = dict(dataset=dict(files, split='val', subset=None))
test_dataloader = dict(dataset=files)
