# Frequency-decoupled distillation; segmentation has no shared classifiers (FDKD, A.3).
losses = dict(loss_fdkd=dict(
    type='FrequencyDecoupledLoss', student='student.feat', teacher='teacher.feat',
    low_weight=1.0, high_weight=1.0))
takes_if_offered = dict(loss_fdkd=dict(
    align='band_classifier', task='band_classifier', adapter='adapter'))
