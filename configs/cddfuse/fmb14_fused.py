# The images that CDDFuse made of both modalities, by mmfkd fuse; otherwise as
# unimodal/fmb14_rgb.py.
_base_ = ['../unimodal/fmb14_rgb.py']
modalities = dict(fused=dict(folder='{split}/fused', suffix='.png', channels=3))
train_dataloader = dict(dataset=dict(modalities=modalities))
val_dataloader = dict(dataset=dict(modalities=modalities))
test_dataloader = dict(dataset=dict(modalities=modalities))
model = dict(students=dict(student=dict(modality='fused')))
