# The rgb baseline of CSK-Net.
_base_ = ['marsdice_gray.py']
model = dict(students=dict(student=dict(
    modality='rgb',
    norm=dict(_delete_=True, mean=[114.4, 90.7, 89.9], std=[46.5, 53.4, 58.6],
              bgr_to_rgb=True))))
