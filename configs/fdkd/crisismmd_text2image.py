_base_ = ['../unimodal/crisismmd_image.py', '../_base_/methods/fdkd.py']
# The widths differ: the student's feature is mapped to the teacher's width.
adapter = dict(type='Linear', in_features=1280, out_features=768)
classifier = dict(type='BandClassifier', in_channels=768, num_classes=5)
model = dict(
    losses=dict(loss_fdkd=dict(
        _base_.losses.loss_fdkd, align=classifier, task=classifier, adapter=adapter)),
    teachers=dict(teacher=dict(config='configs/unimodal/crisismmd_text.py', checkpoint='auto')))
