# NKD as Yang et al. published it: the target, and the normalised classes beside it.
losses = dict(loss_nkd=dict(
    type='NormalizedKDLoss', student='student.logits', teacher='teacher.logits', temperature=1.0,
    gamma=1.5))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_nkd=dict(balance=dict(ratio=1.0)))))
