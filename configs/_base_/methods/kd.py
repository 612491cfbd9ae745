losses = dict(loss_kd=dict(
    type='KDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_kd=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_kd.temperature': [1.0, 2.0, 4.0, 8.0],
          'model.losses.loss_kd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
