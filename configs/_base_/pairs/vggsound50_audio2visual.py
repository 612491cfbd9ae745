# audio teaches visual: the visual baseline and a teacher, nothing else.
_base_ = ['../../unimodal/vggsound50_visual.py']
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/vggsound50_audio.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=512, num_classes=50)
