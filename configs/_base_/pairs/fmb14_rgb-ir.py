# Optical and infrared in one network, the optical baseline its teacher; the rest is the infrared
# baseline's.
_base_ = ['../../unimodal/fmb14_ir.py']
baseline = 'configs/unimodal/fmb14_ir.py'
imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
both = dict(modality=('rgb', 'ir'), subsets=(('ir',), ('rgb',)),
            norm=dict(rgb=imagenet, ir=imagenet))
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/fmb14_rgb.py', checkpoint='auto')))
