"""Samples that are scored have no file of those that are trained on."""

from types import SimpleNamespace

import pytest
from PIL import Image

from mmfkd.datasets import ListDataset
from mmfkd.engine.overlap import warn_of_overlap, warn_of_parts


@pytest.fixture
def captioned(tmp_path):
    """``captioned(subset, group)``: eight images with three texts each, in three classes."""
    rows = ['image,text,label']
    for i in range(8):
        Image.new('RGB', (4, 4)).save(tmp_path / f'{i}.png')
        rows += [f'{i}.png,text {text} of {i},{"abc"[i % 3]}' for text in range(3)]
    for split in ('train', 'test'):
        (tmp_path / f'{split}.csv').write_text('\n'.join(rows))
    return lambda subset, group, split='train': ListDataset(
        str(tmp_path), columns=dict(image='path', text='text'), subset=subset, group=group,
        val_fraction=0.25, split=split)


def warnings(trained, scored, check=warn_of_overlap):
    """What is said of two data sets."""
    told = []
    check(SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=trained), test_loop=None,
        val_loop=SimpleNamespace(dataloader=SimpleNamespace(dataset=scored)),
        logger=SimpleNamespace(warning=told.append)))
    return told


def test_an_image_that_is_trained_with_another_text_is_told(captioned):
    trained, scored = captioned('fit', None), captioned('val', None)
    stems = [{info['modalities']['image']['path'] for info in map(data.get_data_info, range(len(
        data)))} for data in (trained, scored)]
    shared = sum(scored.get_data_info(i)['modalities']['image']['path'] in stems[0]
                 for i in range(len(scored)))
    message, = warnings(trained, scored)
    assert shared and message.startswith(
        f'{shared} of {len(scored)} validation samples have a file of a sample that is trained on')
    assert "'group' of the data set" in message


def test_samples_that_are_held_out_by_their_image_are_no_news(captioned):
    assert warnings(captioned('fit', 'image'), captioned('val', 'image')) == []


def test_a_text_that_recurs_is_no_file(captioned):
    trained, scored = captioned('fit', 'image'), captioned('val', 'image')
    for data in (trained, scored):
        data.reads = ('text',)
    assert warnings(trained, scored) == []


@pytest.mark.parametrize(('trained', 'split', 'scored', 'told'), [
    ('fit', 'train', 'val', False), ('fit', 'test', 'val', True), (None, 'train', 'val', True),
    (None, 'test', 'val', True), ('fit', 'test', None, False), (None, 'test', None, False)])
def test_a_share_of_other_files_than_those_of_training_is_told(trained, split, scored, told,
                                                               captioned):
    said = warnings(captioned(trained, None), captioned(scored, None, split), warn_of_parts)
    assert bool(said) == told
    for part in ('val_dataloader.dataset.subset=None', "the same list, with labels='some'"):
        assert all(part in text for text in said)


@pytest.mark.parametrize('group', ['image', r'^(\d)', {f'{i}.png': str(i) for i in range(8)}])
def test_groups_that_nothing_keeps_whole_are_told(group, captioned):
    message, = warnings(captioned(None, group), captioned(None, None, 'test'), warn_of_parts)
    assert message.startswith("'group' of the data sets does nothing") and "subset='fit'" in message
    for subset in ('fit', None):  # one of the parts may have inherited it
        said = warnings(captioned('fit', group), captioned(subset and 'val', group), warn_of_parts)
        assert not any("'group'" in text for text in said)
