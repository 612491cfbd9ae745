# audio teaches visual: the visual baseline and a teacher, nothing else.
_base_ = ['../../unimodal/synthetic_visual.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/synthetic_audio.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=256, num_classes=6)
