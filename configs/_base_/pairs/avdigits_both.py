# audio and visual teach each other: two students and two frozen teachers in one run. Selection is
# by audio, the first student.
_base_ = ['../../unimodal/avdigits_audio.py']
model = dict(
    students=dict(
        _delete_=True,
        audio=dict(config='configs/unimodal/avdigits_audio.py'),
        visual=dict(config='configs/unimodal/avdigits_visual.py')),
    teachers=dict(
        audio_teacher=dict(config='configs/unimodal/avdigits_audio.py', checkpoint='auto'),
        visual_teacher=dict(config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
band_classifier = dict(type='BandClassifier', in_channels=256, num_classes=10)
