_base_ = ['mars_aux.py', '../_base_/datasets/mars_official.py']
train_dataloader = dict(dataset=_base_.official_train)
val_dataloader = dict(dataset=_base_.official_train)
test_dataloader = dict(dataset=_base_.official_test)
