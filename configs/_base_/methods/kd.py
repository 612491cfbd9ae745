losses = dict(loss_kd=dict(
    type='KDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_kd=dict(balance=dict(ratio=1.0)))))
