# The optical baseline, the teacher of CSK-Net.
_base_ = ['../_base_/models/deeplabv3plus_effb3.py', '../_base_/datasets/fmb14.py',
          '../_base_/schedules/seg_sgd_200e.py', '../_base_/default_runtime.py']
# torch's conversion to synchronised batch norms would drop the activation inside timm's.
sync_bn = None
model = dict(students=dict(student=dict(
    modality='rgb', model=dict(decode_head=dict(num_classes=14)))))
