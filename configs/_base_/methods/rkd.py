losses = dict(loss_rkd=dict(
    type='RKDLoss', student='student.feat', teacher='teacher.feat', distance_weight=25.0,
    angle_weight=50.0))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_rkd=dict(balance=dict(ratio=1.0)))))
search = {'loss_rkd.tap': ['feat', 'layer4'],
          'model.losses.loss_rkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
