losses = dict(loss_ofd=dict(
    type='OFDLoss', weight=1e-3,
    student=['student.pre1', 'student.pre2', 'student.pre3', 'student.pre4'],
    teacher=['teacher.pre1', 'teacher.pre2', 'teacher.pre3', 'teacher.pre4']))
takes = dict(loss_ofd=dict(
    student_channels='student_stages', teacher_channels='teacher_stages'))
# The authors' weight for segmentation.
segmentation = dict(loss_ofd=dict(weight=1e-5))
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_ofd=dict(balance=dict(ratio=1.0)))))
search = {'model.losses.loss_ofd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
