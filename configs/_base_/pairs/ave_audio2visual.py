# audio teaches visual: the visual baseline and a teacher, nothing else.
_base_ = ['../../unimodal/ave_visual.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/ave_audio.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=512, num_classes=28)
