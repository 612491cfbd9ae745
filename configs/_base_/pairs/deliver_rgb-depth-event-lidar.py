# Four modalities in one network; the rest is the lidar baseline's.
_base_ = ['../../unimodal/deliver_lidar.py']
baseline = 'configs/unimodal/deliver_lidar.py'
imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
modalities = ('rgb', 'depth', 'event', 'lidar')
both = dict(modality=modalities, subsets=(('rgb',), ('depth',), ('event',), ('lidar',)),
            norm={name: imagenet for name in modalities})
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/deliver_rgb.py', checkpoint='auto')))
