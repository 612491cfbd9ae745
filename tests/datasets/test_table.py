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


def test_an_empty_cell_is_a_missing_file(parts):
    rewrite(parts, lambda lines: [*lines[:3], ',a.wav,no photo,crack', 'a.png,,no sound,crack',
                                  *lines[5:]])
    with pytest.raises(FileNotFoundError, match=(
            r'2 files .* missing or empty: \(empty cell of photo\), \(empty cell of sound\)')):
        ListDataset(str(parts), COLUMNS)
    assert len(ListDataset(str(parts), COLUMNS, missing='skip')) == 6
    assert len(ListDataset(str(parts), COLUMNS, missing='skip', modalities=['photo'])) == 7
    assert len(ListDataset(str(parts), COLUMNS, modalities=['note'])) == 8


@pytest.mark.parametrize('mark', [';', '\t', ','])
def test_the_head_line_says_what_is_between_columns(mark, parts):
    rewrite(parts, lambda lines: [line.replace(',', mark) for line in lines])
    info = ListDataset(str(parts), COLUMNS).get_data_info(1)
    assert info['modalities']['note'] == 'note 1' and info['gt_label'] == 1
    with pytest.raises(ValueError, match="has no column foto: its first line must name foto, "
                                         "label, and names 'photo', 'sound', 'note', 'label'"):
        ListDataset(str(parts), dict(foto='path'))


def test_classes_that_differ_in_spelling_alone_are_refused(parts):
    rewrite(parts, lambda lines: [*lines[:-1], lines[-1].replace('good part', 'Good  part ')])
    with pytest.raises(ValueError, match=(
            "train.csv has labels that differ in .*: 'Good  part ' and 'good part'. Write them")):
        ListDataset(str(parts), COLUMNS)
    named = dict(classes=('Good  part ', 'crack', 'good part'))
    assert ListDataset(str(parts), COLUMNS, metainfo=named).get_data_info(7)['gt_label'] == 0
