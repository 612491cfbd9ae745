# audio and visual teach each other: two students and two frozen teachers in one run. Selection is
# by audio, the first student.
_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/fdkd.py']
classifier = dict(type='BandClassifier', in_channels=256, num_classes=10)
model = dict(
    students=dict(
        _delete_=True,
        audio=dict(config='configs/unimodal/avdigits_audio.py'),
        visual=dict(config='configs/unimodal/avdigits_visual.py')),
    teachers=dict(
        audio_teacher=dict(config='configs/unimodal/avdigits_audio.py', checkpoint='auto'),
        visual_teacher=dict(config='configs/unimodal/avdigits_visual.py', checkpoint='auto')),
    losses=dict(
        loss_visual2audio=dict(
            _base_.losses.loss_fdkd, student='audio.feat', teacher='visual_teacher.feat',
            align=classifier, task=classifier),
        loss_audio2visual=dict(
            _base_.losses.loss_fdkd, student='visual.feat', teacher='audio_teacher.feat',
            align=classifier, task=classifier)))
