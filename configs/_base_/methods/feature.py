losses = dict(loss_feature=dict(
    type='FeatureLoss', student='student.feat', teacher='teacher.feat'))
