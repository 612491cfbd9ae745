losses = dict(loss_kd=dict(
    type='KDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0))
