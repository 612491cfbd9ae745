_base_ = ['../unimodal/vggsound50_audio.py', '../_base_/methods/fdkd.py']
classifier = dict(type='BandClassifier', in_channels=512, num_classes=50)
model = dict(
    losses=dict(loss_fdkd=dict(
        _base_.losses.loss_fdkd, align=classifier, task=classifier)),
    teachers=dict(teacher=dict(config='configs/unimodal/vggsound50_visual.py', checkpoint='auto')))
