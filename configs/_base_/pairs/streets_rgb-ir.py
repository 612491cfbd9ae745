# Optical and infrared in one network, the optical baseline its teacher; the rest is the infrared
# baseline's.
_base_ = ['../../unimodal/streets_ir.py']
pair = 'streets_rgb-ir'
baseline = 'configs/unimodal/streets_ir.py'
both = dict(modality=('rgb', 'ir'), subsets=(('ir',), ('rgb',)),
            norm=dict(rgb=dict(mean=[70.0] * 3, std=[60.0] * 3, bgr_to_rgb=True),
                      ir=dict(mean=[110.0] * 3, std=[50.0] * 3)))
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/streets_rgb.py', checkpoint='auto')))
