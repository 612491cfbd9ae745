_base_ = ['../_base_/pairs/crisismmd_both.py', '../_base_/methods/fdkd.py']
model = dict(losses=dict(
    loss_image2text=dict(
        _base_.losses.loss_fdkd, student='text.feat', teacher='image_teacher.feat',
        adapter=_base_.adapters.text, align=_base_.band_classifiers.text,
        task=_base_.band_classifiers.text),
    loss_text2image=dict(
        _base_.losses.loss_fdkd, student='image.feat', teacher='text_teacher.feat',
        adapter=_base_.adapters.image, align=_base_.band_classifiers.image,
        task=_base_.band_classifiers.image)))
