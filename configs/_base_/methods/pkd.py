losses = dict(loss_pkd=dict(
    type='PKDLoss', student='student.feat', teacher='teacher.feat', weight=6.0))
takes_if_offered = dict(loss_pkd=dict(adapter='adapter'))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_pkd=dict(balance=dict(ratio=1.0)))))
search = {'loss_pkd.tap': ['feat', 'layer4'],
          'model.losses.loss_pkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
