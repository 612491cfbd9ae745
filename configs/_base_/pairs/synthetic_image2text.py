# image teaches text: the text baseline and a teacher, nothing else.
_base_ = ['../../unimodal/synthetic_text.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/synthetic_image.py', checkpoint='auto')))
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=64, out_features=256)
band_classifier = dict(type='BandClassifier', in_channels=256, num_classes=5)
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(64, 64, 64, 64), teacher_channels=(32, 64, 128, 256))
proxies = dict(student_channels=64, teacher_channels=128, num_classes=5)
