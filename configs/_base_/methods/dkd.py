# The authors' CIFAR weights, as in C2KD's comparison.
losses = dict(loss_dkd=dict(
    type='DKDLoss', student='student.logits', teacher='teacher.logits', temperature=4.0,
    target_weight=1.0, rest_weight=8.0))
