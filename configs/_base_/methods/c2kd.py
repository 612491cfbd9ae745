# The teacher is a second student, which starts from its checkpoint. The proxies are on the third
# stage of either.
losses = dict(loss_c2kd=dict(
    type='C2KDLoss', student=['student.logits', 'student.layer3'],
    teacher=['teacher.logits', 'teacher.layer3']))
takes = dict(loss_c2kd=dict(
    student_channels='student_proxy', teacher_channels='teacher_proxy', num_classes='num_classes'))
second_student = dict(teacher=dict(checkpoint='auto'))
# With as much gradient as the task the terms of either network by itself, which draw it to its own
# proxy, hold the student back.
presets = dict(paper=dict(), balanced=dict(losses=dict(loss_c2kd=dict(balance=dict(ratio=0.2)))))
search = {'model.losses.loss_c2kd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
