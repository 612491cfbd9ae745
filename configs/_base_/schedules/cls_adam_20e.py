# FDKD, appendix A.4, for BERT: Adam at a constant lr of 1e-5, 20 epochs.
_base_ = ['cls_sgd_100e.py']
train_cfg = dict(max_epochs=20)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Adam', lr=1e-5, weight_decay=0.0))
param_scheduler = []
