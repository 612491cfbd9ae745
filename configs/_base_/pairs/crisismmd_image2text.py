# image teaches text: the text baseline and a teacher, nothing else.
_base_ = ['../../unimodal/crisismmd_text.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/crisismmd_image.py', checkpoint='auto')))
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=768, out_features=1280)
band_classifier = dict(type='BandClassifier', in_channels=1280, num_classes=5)
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(768, 768, 768, 768), teacher_channels=(24, 32, 96, 320))
proxies = dict(student_channels=768, teacher_channels=96, num_classes=5)
