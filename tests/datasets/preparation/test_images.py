"""Checks of registered images."""

from copy import deepcopy

import numpy as np
from PIL import Image

from mmfkd.datasets import RGBXDataset
from mmfkd.datasets.preparation.images import image_fault


def test_a_checked_sample_keeps_no_image(tmp_path):
    for kind in ('gray', 'label'):
        (tmp_path / 'train' / kind).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f'train/{kind}/0.png')
    data = RGBXDataset(str(tmp_path), metainfo=dict(classes=('a', 'b')), modalities=dict(
        gray=dict(folder='{split}/gray', suffix='.png', channels=1)))
    info = data.get_data_info(0)
    before = deepcopy(info)
    assert image_fault(info) is None and info == before
    (tmp_path / 'train/gray/0.png').write_bytes(b'')
    assert '0.png cannot be decoded' in image_fault(info)
