_base_ = ['../_base_/pairs/cremad_both.py', '../_base_/methods/fdkd.py']
model = dict(losses=dict(
    loss_visual2audio=dict(
        _base_.losses.loss_fdkd, student='audio.feat', teacher='visual_teacher.feat',
        align=_base_.band_classifier, task=_base_.band_classifier),
    loss_audio2visual=dict(
        _base_.losses.loss_fdkd, student='visual.feat', teacher='audio_teacher.feat',
        align=_base_.band_classifier, task=_base_.band_classifier)))
