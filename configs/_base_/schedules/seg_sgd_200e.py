# CSK-Net, section 3.1: SGD, lr 5e-3, poly 0.9 by epoch, 200 epochs; batch 8 is the data's.
# Momentum, weight decay and nesterov are not in the paper and are DisOptNet's.
_base_ = ['seg_sgd_50e.py']
train_cfg = dict(max_epochs=200)
optim_wrapper = dict(optimizer=dict(lr=5e-3, weight_decay=1e-4, nesterov=True))
# The end is an epoch after the last one, which would else run at a rate of 0.
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=True, end=201)]
# Batch norms are not synchronised, so their statistics are averaged over the GPUs.
default_hooks = dict(sync_buffers=dict(type='SyncBuffersHook'))
