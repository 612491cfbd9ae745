# PST900 has no val split: a seeded tenth of train is held out to select on, as of MSRS.
_base_ = ['msrs.py']
data_root = 'data/pst900'
files = dict(type='PST900Dataset', data_root=data_root)
train_dataloader = dict(dataset=files)
val_dataloader = dict(dataset=files)
test_dataloader = dict(dataset=files)
