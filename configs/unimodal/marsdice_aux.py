# The aux baseline of CSK-Net.
_base_ = ['marsdice_gray.py']
model = dict(students=dict(student=dict(
    modality='aux',
    norm=dict(_delete_=True, mean=[136.0, 47.9, 125.1], std=[85.8, 42.6, 38.9]))))
