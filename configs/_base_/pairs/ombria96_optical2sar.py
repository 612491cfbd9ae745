# optical teaches sar: the sar baseline and a teacher, nothing else.
_base_ = ['../../unimodal/ombria96_sar.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/ombria96_optical.py', checkpoint='auto')))
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(32, 64, 128, 256), teacher_channels=(32, 64, 128, 256))
proxies = dict(student_channels=128, teacher_channels=128, num_classes=2)
