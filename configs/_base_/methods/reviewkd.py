# The authors fuse at a width of 512.
losses = dict(loss_reviewkd=dict(
    type='ReviewKDLoss', mid_channels=64,
    student=['student.layer1', 'student.layer2', 'student.layer3', 'student.layer4'],
    teacher=['teacher.layer1', 'teacher.layer2', 'teacher.layer3', 'teacher.layer4']))
takes = dict(loss_reviewkd=dict(
    student_channels='student_stages', teacher_channels='teacher_stages'))
# The authors warm up over 20 epochs.
default_hooks = dict(reviewkd_warm_up=dict(
    type='LossWeightHook', loss='loss_reviewkd', start=0.05, stop=1.0, begin=0, end=19))
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_reviewkd=dict(balance=dict(ratio=1.0))),
                  default_hooks=dict(reviewkd_warm_up=None)))
search = {'model.losses.loss_reviewkd.balance.ratio': (0.1, 10.0),
          'default_hooks.reviewkd_warm_up.stop': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
