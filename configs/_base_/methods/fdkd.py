# Frequency-decoupled distillation, without the classifier terms (segmentation: FDKD, A.3).
losses = dict(loss_fdkd=dict(
    type='FrequencyDecoupledLoss', student='student.feat', teacher='teacher.feat',
    low_weight=1.0, high_weight=1.0))
