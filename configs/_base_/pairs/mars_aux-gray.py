# Aux and gray in one network, the aux baseline its teacher; the rest is the gray baseline's.
_base_ = ['../../unimodal/marsdice_gray.py']
pair = 'mars_aux-gray'
baseline = 'configs/unimodal/marsdice_gray.py'
both = dict(
    modality=('aux', 'gray'), subsets=(('gray',), ('aux',)),
    norm=dict(aux=dict(mean=[136.0, 47.9, 125.1], std=[85.8, 42.6, 38.9]),
              gray=dict(mean=[125.3] * 3, std=[22.0] * 3)))
model = dict(teachers=dict(teacher=dict(
    config='configs/unimodal/marsdice_aux.py', checkpoint='auto')))
