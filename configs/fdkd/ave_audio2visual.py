_base_ = ['../unimodal/ave_visual.py', '../_base_/methods/fdkd.py']
classifier = dict(type='BandClassifier', in_channels=512, num_classes=28)
model = dict(
    losses=dict(loss_fdkd=dict(
        _base_.losses.loss_fdkd, align=classifier, task=classifier)),
    teachers=dict(teacher=dict(config='configs/unimodal/ave_audio.py', checkpoint='auto')))
