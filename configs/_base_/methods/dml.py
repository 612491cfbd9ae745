# Mutual learning: the teacher's network is a second student, from scratch.
losses = dict(
    loss_dml=dict(type='KDLoss', student='student.logits', teacher='peer.logits',
                  temperature=1.0, ignore_index=255),
    loss_dml_peer=dict(type='KDLoss', student='peer.logits', teacher='student.logits',
                       temperature=1.0, ignore_index=255))
second_student = dict(peer=dict())
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_dml=dict(balance=dict(ratio=1.0)),
                              loss_dml_peer=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_dml.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
