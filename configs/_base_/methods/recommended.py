# What to try first: soft targets, and features whose low frequencies are aligned strongly and whose
# high ones weakly, each with as much gradient at the student as the task.
losses = dict(
    loss_kd=dict(type='KDLoss', student='student.logits', teacher='teacher.logits',
                 temperature=4.0, balance=dict(ratio=1.0)),
    loss_fdkd=dict(type='FrequencyDecoupledLoss', student='student.feat', teacher='teacher.feat',
                   balance=dict(ratio=1.0)))
takes_if_offered = dict(loss_fdkd=dict(adapter='adapter'))
search = {'loss_fdkd.tap': ['feat', 'layer4'],
          'model.losses.loss_kd.temperature': [1.0, 2.0, 4.0, 8.0],
          'model.losses.loss_kd.balance.ratio': (0.1, 10.0),
          'model.losses.loss_fdkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
