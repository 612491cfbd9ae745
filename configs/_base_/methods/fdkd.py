# Frequency-decoupled distillation; segmentation has no shared classifiers (FDKD, A.3). The weights
# of the paper (preset paper) leave the terms between features at a hundredth of the task's
# gradient: here both bands together have as much.
losses = dict(loss_fdkd=dict(
    type='FrequencyDecoupledLoss', student='student.feat', teacher='teacher.feat',
    low_weight=1.0, high_weight=1.0, balance=dict(ratio=1.0, terms=['low', 'high'])))
takes_if_offered = dict(loss_fdkd=dict(
    align='band_classifier', task='band_classifier', adapter='adapter'))
presets = dict(
    paper=dict(
        losses=dict(loss_fdkd=dict(balance=None)),
        search={'model.losses.loss_fdkd.low_weight': (0.1, 10.0),
                'model.losses.loss_fdkd.high_weight': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}),
    balanced=dict())
search = {'model.losses.loss_fdkd.low_weight': (0.1, 10.0),
          'model.losses.loss_fdkd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
