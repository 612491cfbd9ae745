# text and image teach each other: two students and two frozen teachers in one run. Selection is
# by text, the first student.
_base_ = ['../unimodal/crisismmd_text.py', '../_base_/methods/fdkd.py']
# One optimizer for both: Adam at BERT's lr, ten times that for MobileNetV2, which alone has SGD.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'students.image': dict(lr_mult=10)}))
adapters = dict(
    text=dict(type='Linear', in_features=768, out_features=1280),
    image=dict(type='Linear', in_features=1280, out_features=768))
classifiers = dict(
    text=dict(type='BandClassifier', in_channels=1280, num_classes=5),
    image=dict(type='BandClassifier', in_channels=768, num_classes=5))
model = dict(
    students=dict(
        _delete_=True,
        text=dict(config='configs/unimodal/crisismmd_text.py'),
        image=dict(config='configs/unimodal/crisismmd_image.py')),
    teachers=dict(
        text_teacher=dict(config='configs/unimodal/crisismmd_text.py', checkpoint='auto'),
        image_teacher=dict(config='configs/unimodal/crisismmd_image.py', checkpoint='auto')),
    losses=dict(
        loss_image2text=dict(
            _base_.losses.loss_fdkd, student='text.feat', teacher='image_teacher.feat',
            adapter=adapters['text'], align=classifiers['text'],
            task=classifiers['text']),
        loss_text2image=dict(
            _base_.losses.loss_fdkd, student='image.feat', teacher='text_teacher.feat',
            adapter=adapters['image'], align=classifiers['image'],
            task=classifiers['image'])))
