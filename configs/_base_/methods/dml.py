# Mutual learning: the teacher's network is a second student, from scratch.
losses = dict(
    loss_dml=dict(type='KDLoss', student='student.logits', teacher='peer.logits',
                  temperature=1.0, ignore_index=255),
    loss_dml_peer=dict(type='KDLoss', student='peer.logits', teacher='student.logits',
                       temperature=1.0, ignore_index=255))
second_student = dict(peer=dict())
# Both learn: with as much gradient as the task they agree on a constant where the task is hard.
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_dml=dict(balance=dict(ratio=0.2)),
                              loss_dml_peer=dict(balance=dict(ratio=0.2)))))
search = {'model.losses.loss_dml.balance.ratio': (0.1, 10.0),
          'model.losses.loss_dml_peer.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
