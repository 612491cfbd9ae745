# The leaf makes the teacher a second student, which starts from its checkpoint, and adds the widths
# of the third stage and the number of classes.
losses = dict(loss_c2kd=dict(
    type='C2KDLoss', student=['student.logits', 'student.layer3'],
    teacher=['teacher.logits', 'teacher.layer3']))
