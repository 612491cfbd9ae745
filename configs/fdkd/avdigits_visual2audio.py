_base_ = ['../unimodal/avdigits_audio.py', '../_base_/methods/fdkd.py']
classifier = dict(type='BandClassifier', in_channels=256, num_classes=10)
model = dict(
    losses=dict(loss_fdkd=dict(
        _base_.losses.loss_fdkd, align=classifier, task=classifier)),
    teachers=dict(teacher=dict(config='configs/unimodal/avdigits_visual.py', checkpoint='auto')))
