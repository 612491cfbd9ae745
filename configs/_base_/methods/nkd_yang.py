# NKD as Yang et al. published it: the target, and the normalised classes beside it.
losses = dict(loss_nkd=dict(
    type='NormalizedKDLoss', student='student.logits', teacher='teacher.logits', temperature=1.0,
    gamma=1.5))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_nkd=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_nkd.temperature': [1.0, 2.0, 4.0],
          'model.losses.loss_nkd.gamma': (0.5, 4.5),
          'model.losses.loss_nkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
