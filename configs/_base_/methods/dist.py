# Correlations of the probabilities, weights as in C2KD's comparison.
losses = dict(loss_dist=dict(
    type='DISTLoss', student='student.logits', teacher='teacher.logits'))
