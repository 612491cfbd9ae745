losses = dict(loss_afd=dict(
    type='AFDLoss', weight=200.0,
    student=['student.layer1', 'student.layer2', 'student.layer3', 'student.layer4'],
    teacher=['teacher.layer1', 'teacher.layer2', 'teacher.layer3', 'teacher.layer4']))
takes = dict(loss_afd=dict(
    student_channels='student_stages', teacher_channels='teacher_stages'))
# Balanced, each stage counts as the authors' of 8x8 do, however small its map.
presets = dict(
    paper=dict(),
    balanced=dict(losses=dict(loss_afd=dict(places=64, balance=dict(ratio=1.0)))))
search = {'model.losses.loss_afd.balance.ratio': (0.1, 10.0), 'lr_factor': (0.5, 2.0)}
