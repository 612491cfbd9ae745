# The classes that are not the target alone (FDKD, caption of Table 1), with DKD's weight for them.
losses = dict(loss_nkd=dict(
    type='NKDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0,
    weight=8.0))
# With two classes a class beside the target is all that is left of it.
two_classes = dict(loss_nkd=None)
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_nkd=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_nkd.temperature': [1.0, 2.0, 4.0, 8.0],
          'model.losses.loss_nkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
