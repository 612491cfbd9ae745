# Correlations of the probabilities, weights as in C2KD's comparison.
losses = dict(loss_dist=dict(
    type='DISTLoss', student='student.logits', teacher='teacher.logits'))
# With two classes the correlation along them has no slope.
two_classes = dict(loss_dist=dict(inter_weight=0.0))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_dist=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_dist.temperature': [1.0, 2.0, 4.0],
          'model.losses.loss_dist.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
