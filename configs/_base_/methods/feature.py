losses = dict(loss_feature=dict(
    type='FeatureLoss', student='student.feat', teacher='teacher.feat'))
takes_if_offered = dict(loss_feature=dict(adapter='adapter'))
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_feature=dict(balance=dict(ratio=1.0)))))
