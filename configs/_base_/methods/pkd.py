losses = dict(loss_pkd=dict(
    type='PKDLoss', student='student.feat', teacher='teacher.feat', weight=6.0))
takes_if_offered = dict(loss_pkd=dict(adapter='adapter'))
