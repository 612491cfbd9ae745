# The classes that are not the target weigh as much as the target: the authors' 8 for CIFAR (preset
# paper, with their warm-up over 20 epochs) loses far below the baseline between modalities.
losses = dict(loss_dkd=dict(
    type='DKDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0,
    target_weight=1.0, rest_weight=1.0))
presets = dict(
    paper=dict(
        losses=dict(loss_dkd=dict(rest_weight=8.0)),
        default_hooks=dict(dkd_warm_up=dict(
            type='LossWeightHook', loss='loss_dkd', start=0.05, stop=1.0, begin=0, end=19))),
    balanced=dict(losses=dict(loss_dkd=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_dkd.temperature': [1.0, 2.0, 4.0, 8.0],
          'model.losses.loss_dkd.rest_weight': (0.25, 8.0),
          'model.losses.loss_dkd.balance.ratio': (0.1, 10.0),
          'default_hooks.dkd_warm_up.stop': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
