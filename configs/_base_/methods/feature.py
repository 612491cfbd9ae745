losses = dict(loss_feature=dict(
    type='FeatureLoss', student='student.feat', teacher='teacher.feat'))
takes_if_offered = dict(loss_feature=dict(adapter='adapter'))
