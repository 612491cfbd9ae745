# The classes that are not the target alone (FDKD, caption of Table 1), with DKD's weight for them.
losses = dict(loss_nkd=dict(
    type='NKDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0,
    weight=8.0))
