# Optical and sar in one network, the optical baseline its teacher; the rest is the sar baseline's.
_base_ = ['../../unimodal/ombria96dice_sar.py']
pair = 'ombria96_optical-sar'
baseline = 'configs/unimodal/ombria96dice_sar.py'
both = dict(
    modality=('optical', 'sar'), subsets=(('sar',), ('optical',)),
    norm=dict(optical=dict(mean=[42.5, 59.6, 39.7], std=[33.0, 33.1, 32.4], bgr_to_rgb=True),
              sar=dict(mean=[151.8] * 3, std=[50.1] * 3)))
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/ombria96dice_optical.py', checkpoint='auto')))
