# FMB with the 14 categories of papers: background is ignored.
_base_ = ['fmb.py']
train_dataloader = dict(dataset=dict(type='FMB14Dataset'))
val_dataloader = dict(dataset=dict(type='FMB14Dataset'))
test_dataloader = dict(dataset=dict(type='FMB14Dataset'))
