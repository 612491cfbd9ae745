# The leaf adds the widths of the stages, and the weight for segmentation.
losses = dict(loss_ofd=dict(
    type='OFDLoss', weight=1e-3,
    student=['student.pre1', 'student.pre2', 'student.pre3', 'student.pre4'],
    teacher=['teacher.pre1', 'teacher.pre2', 'teacher.pre3', 'teacher.pre4']))
