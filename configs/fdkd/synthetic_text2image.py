_base_ = ['../unimodal/synthetic_image.py', '../_base_/methods/fdkd.py']
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=256, out_features=64)
classifier = dict(type='BandClassifier', in_channels=64, num_classes=5)
model = dict(
    losses=dict(loss_fdkd=dict(
        _base_.losses.loss_fdkd, align=classifier, task=classifier, adapter=adapter)),
    teachers=dict(teacher=dict(config='configs/unimodal/synthetic_text.py', checkpoint='auto')))
