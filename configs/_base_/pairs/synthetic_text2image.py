# text teaches image: the image baseline and a teacher, nothing else.
_base_ = ['../../unimodal/synthetic_image.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/synthetic_text.py', checkpoint='auto')))
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=256, out_features=64)
band_classifier = dict(type='BandClassifier', in_channels=64, num_classes=5)
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(32, 64, 128, 256), teacher_channels=(64, 64, 64, 64))
proxies = dict(student_channels=128, teacher_channels=64, num_classes=5)
