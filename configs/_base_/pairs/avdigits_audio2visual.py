# audio teaches visual: the visual baseline and a teacher, nothing else.
_base_ = ['../../unimodal/avdigits_visual.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/avdigits_audio.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=256, num_classes=10)
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(32, 64, 128, 256), teacher_channels=(32, 64, 128, 256))
proxies = dict(student_channels=128, teacher_channels=128, num_classes=10)
