# text teaches image: the image baseline and a teacher, nothing else.
_base_ = ['../../unimodal/crisismmd_image.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/crisismmd_text.py', checkpoint='auto')))
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=1280, out_features=768)
band_classifier = dict(type='BandClassifier', in_channels=768, num_classes=5)
