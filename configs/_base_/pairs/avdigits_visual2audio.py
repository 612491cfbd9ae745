# visual teaches audio: the audio baseline and a teacher, nothing else.
_base_ = ['../../unimodal/avdigits_audio.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=256, num_classes=10)
