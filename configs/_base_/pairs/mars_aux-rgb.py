# Aux and rgb in one network, the aux baseline its teacher; the rest is the rgb baseline's.
_base_ = ['../../unimodal/marsdice_rgb.py']
pair = 'mars_aux-rgb'
baseline = 'configs/unimodal/marsdice_rgb.py'
both = dict(
    modality=('aux', 'rgb'), subsets=(('rgb',), ('aux',)),
    norm=dict(aux=dict(mean=[136.0, 47.9, 125.1], std=[85.8, 42.6, 38.9]),
              rgb=dict(mean=[114.4, 90.7, 89.9], std=[46.5, 53.4, 58.6], bgr_to_rgb=True)))
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/marsdice_aux.py', checkpoint='auto')))
