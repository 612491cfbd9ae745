# The images that CDDFuse made of both modalities, by mmfkd fuse; otherwise as marsdice_aux.py.
_base_ = ['../unimodal/marsdice_aux.py']
modalities = dict(_delete_=True, fused=dict(folder='{split}/fused', suffix='.png', channels=3))
train_dataloader = dict(dataset=dict(modalities=modalities))
val_dataloader = dict(dataset=dict(modalities=modalities))
test_dataloader = dict(dataset=dict(modalities=modalities))
model = dict(students=dict(student=dict(
    modality='fused', norm=dict(_delete_=True, mean=[128.0] * 3, std=[64.0] * 3))))
