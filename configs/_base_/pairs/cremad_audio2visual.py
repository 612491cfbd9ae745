# audio teaches visual: the visual baseline and a teacher, nothing else.
_base_ = ['../../unimodal/cremad_visual.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/cremad_audio.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=512, num_classes=6)
# For methods between stages: their widths; C2KD's proxies are on the third.
stages = dict(student_channels=(64, 128, 256, 512), teacher_channels=(64, 128, 256, 512))
proxies = dict(student_channels=256, teacher_channels=256, num_classes=6)
