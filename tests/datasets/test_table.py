"""Tables of files, texts and labels as people write them, and pipelines that read them."""

import numpy as np
import pytest
import soundfile
from mmengine.registry import init_default_scope
from PIL import Image

from mmfkd.datasets import ListDataset

COLUMNS = dict(photo='path', sound='path', note='text')
PHOTO = dict(type='mmfkd.LoadImage', modality='photo')
PACK = dict(type='mmfkd.PackPairs')


@pytest.fixture
def parts(tmp_path):
    """Folder of a table of eight parts with photo, sound and note."""
    init_default_scope('mmfkd')
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / 'a.png')
    soundfile.write(tmp_path / 'a.wav', np.zeros(800), 8000)
    lines = [f'a.png,a.wav,note {i},{"good part" if i % 2 else "crack"}' for i in range(8)]
    (tmp_path / 'train.csv').write_text('\n'.join(['photo,sound,note,label', *lines]) + '\n')
    return tmp_path


def rewrite(folder, change):
    path = folder / 'train.csv'
    path.write_text('\n'.join(change(path.read_text().splitlines())) + '\n')


@pytest.mark.parametrize('step', [
    dict(type='mmpretrain.Resize', scale=(4, 4)), dict(type='mmseg.RandomFlip', prob=1.0)])
def test_a_step_that_sees_no_image_is_refused(step, parts):
    said = f"{step['type'].partition('.')[2]} of the pipeline sees no image here: put it into dict"
    with pytest.raises(ValueError, match=rf"{said}\(type='TransformImages'"):
        ListDataset(str(parts), COLUMNS, pipeline=[PHOTO, step, PACK])
    wrapped = dict(type='mmfkd.TransformImages', modality='photo', transforms=[step])
    some = dict(type='mmcv.RandomApply', prob=1.0, transforms=[wrapped])
    for fine in (wrapped, some):
        data = ListDataset(str(parts), COLUMNS, modalities=['photo'], pipeline=[PHOTO, fine, PACK])
        assert data[0]['inputs']['photo'].shape[0] == 3


def test_a_plain_pipeline_of_mmpretrain_may_stay(parts):
    plain = [dict(type='mmpretrain.LoadImageFromFile'),
             dict(type='mmpretrain.Resize', scale=(4, 4)), dict(type='mmpretrain.PackInputs')]
    data = ListDataset(str(parts), COLUMNS, modalities=['photo'], pipeline=plain)
    assert data[0]['inputs'].shape == (3, 4, 4)
