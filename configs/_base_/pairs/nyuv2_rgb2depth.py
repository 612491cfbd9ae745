# rgb teaches depth: the depth baseline and a teacher, nothing else.
_base_ = ['../../unimodal/nyuv2_depth.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/nyuv2_rgb.py', checkpoint='auto')))
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(64, 128, 256, 512), teacher_channels=(64, 128, 256, 512))
proxies = dict(student_channels=256, teacher_channels=256, num_classes=40)
