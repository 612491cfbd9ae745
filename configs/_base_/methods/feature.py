losses = dict(loss_feature=dict(
    type='FeatureLoss', student='student.feat', teacher='teacher.feat'))
takes_if_offered = dict(loss_feature=dict(adapter='adapter'))
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_feature=dict(balance=dict(ratio=1.0)))))
search = {'loss_feature.tap': ['feat', 'layer4'],
          'model.losses.loss_feature.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
