"""Data sets some of whose samples have no label, and what is held out whole."""

import csv
import re
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import FUNCTIONS
from PIL import Image
from runs import ROOT

from mmfkd.datasets import ListDataset, RGBXDataset
from mmfkd.datasets.labelled import labelled_samples
from mmfkd.datasets.subset import groups_of, select_subset

NAMES = [f'{i:02d}' for i in range(20)]
MODALITIES = dict(gray=dict(folder='{split}/gray', suffix='.png', channels=1))


def chosen(labels, present=NAMES, seed=0):
    marks = labelled_samples(labels, NAMES, [name in present for name in NAMES], seed)
    return {name for name, mark in zip(NAMES, marks, strict=True) if mark}


def test_a_smaller_share_is_a_part_of_a_larger_one():
    shares = [chosen(share, seed=3) for share in (0.1, 0.25, 0.5, 1.0)]
    assert [len(share) for share in shares] == [2, 5, 10, 20]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert chosen(0.25, seed=4) != shares[1]


@pytest.mark.parametrize(('labels', 'present', 'expected'), [
    ('all', NAMES, NAMES), ('none', NAMES, []), (0.0, NAMES, []), ('some', NAMES[:3], NAMES[:3]),
    (['05', '07'], NAMES, ['05', '07'])])
def test_which_labels_count(labels, present, expected):
    assert chosen(labels, present) == set(expected)


def test_names_may_come_from_a_file(tmp_path):
    (tmp_path / 'names.txt').write_text('05\n07\n')
    assert chosen(str(tmp_path / 'names.txt')) == {'05', '07'}


@pytest.mark.parametrize(('labels', 'present', 'message'), [
    ('all', NAMES[1:], "1 sample without a label, of which labels=all says .*: 00. .*'some'"),
    (['05', 'x'], NAMES, 'labels names 1 sample, which no sample has: x. Correct the list'),
    (['05', '07'], NAMES[:6], '1 sample without a label, .*: 07'),
    ('some', [], "labels='some' leaves no sample with a label"),
    (0.01, NAMES, 'labels=0.01 leaves no sample with a label')])
def test_labels_that_contradict_the_files_are_refused(labels, present, message):
    with pytest.raises(ValueError, match=message):
        chosen(labels, present)


@pytest.fixture
def mine(tmp_path):
    for i in range(6):
        for kind, value in dict(gray=9 * i, label=i % 2).items():
            path = tmp_path / f'train/{kind}/place{i // 2}_{i}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)
    return tmp_path


def rgbx(root, **options):
    pipeline = [dict(type='LoadModalities'), dict(type='LoadCheckedAnnotations'),
                dict(type='StackModalities'), dict(type='PackModalities')]
    return RGBXDataset(**{**dict(
        data_root=str(root), split='train', modalities=MODALITIES, pipeline=pipeline,
        metainfo=dict(classes=('a', 'b'))), **options})


def labels_of(data):
    return [sorted(set(data[i]['data_samples'].gt_sem_seg.data.flatten().tolist()))
            for i in range(len(data))]


def test_maps_without_a_label_are_ignored_whole(mine):
    (mine / 'train/label/place0_1.png').unlink()
    assert labels_of(rgbx(mine, labels='some')) == [[0], [255], [0], [1], [0], [1]]
    assert labels_of(rgbx(mine, labels=['place1_3'])) == [[255]] * 3 + [[1]] + [[255]] * 2
    assert labels_of(rgbx(mine, labels='none')) == [[255]] * 6
    with pytest.raises(ValueError, match='1 of 6 files of "label" are missing: place0_1.png'):
        rgbx(mine)


def test_names_are_paired_however_their_letters_are_written(mine):
    """An umlaut is one character or two: archives from macOS hold the latter."""
    stems = [[normalize(form, f'stra\u00dfe_{i}_\u00fc') for i in range(6)]
             for form in ('NFC', 'NFD')]
    assert stems[0] != stems[1]
    for i, (one, two) in enumerate(zip(*stems, strict=True)):
        for kind, stem in (('gray', one), ('label', two)):
            path = mine / f'train/{kind}/place{i // 2}_{i}.png'
            path.rename(path.with_name(f'{stem}.png'))
    (mine / 'list.txt').write_text('\n'.join(stems[1][:4]), encoding='utf-8')
    for labels in ('all', 'some', stems[1]):
        assert labels_of(rgbx(mine, labels=labels)) == [[0], [1]] * 3
    assert len(rgbx(mine, ann_file=str(mine / 'list.txt'))) == 4
    groups = {stem: str(i // 2) for i, stem in enumerate(stems[1])}
    assert len(rgbx(mine, group=groups, subset='val', val_fraction=0.3)) == 2
    marked = dict(gray=dict(folder='{split}/gray', suffix=normalize('NFD', '_\u00fc.png'),
                            channels=1))
    both = rgbx(mine, modalities=marked, label=dict(suffix='_\u00fc.png'))
    assert labels_of(both) == [[0], [1]] * 3
    twin = mine / f'train/gray/{stems[1][0]}.png'
    twin.write_bytes((mine / f'train/gray/{stems[0][0]}.png').read_bytes())
    with pytest.raises(ValueError, match='have the same stem: which one counts'):
        rgbx(mine)


def test_a_list_of_names_is_of_both_parts(mine):
    # One sample is left out, so that each part of three has some.
    listed = dict(labels=[f'place{i // 2}_{i}' for i in range(5)], val_fraction=0.5)
    parts = [rgbx(mine, subset=subset, **listed) for subset in ('fit', 'val')]
    found = [{Path(info['seg_map_path']).stem for i in range(len(part))
              if (info := part.get_data_info(i))['seg_map_path']} for part in parts]
    assert all(found) and found[0] | found[1] == set(listed['labels'])
    with pytest.raises(ValueError, match='which no sample has: place9'):
        rgbx(mine, subset='fit', **{**listed, 'labels': ['place0_0', 'place9']})


def test_labels_of_no_image_are_told(mine, caplog):
    for i in range(2):
        (mine / f'train/label/place0_{i}.png').rename(mine / f'train/label/{i}_mask.png')
    MMLogger.get_instance('strays', logger_name='strays').addHandler(caplog.handler)
    assert labels_of(rgbx(mine, labels='some')) == [[255], [255], [0], [1], [0], [1]]
    assert re.search(r'2 of 6 label files are of no image.*label/0_mask.png.*/1_mask.png',
                     caplog.text)
    for i in range(2, 6):
        (mine / f'train/label/place{i // 2}_{i}.png').unlink()
    with pytest.raises(ValueError, match='none of 2 label files has the stem of an image: '):
        rgbx(mine, labels='some')


@pytest.mark.parametrize(('suffix', 'mark'), [('csv', ','), ('tsv', '\t')])
def test_a_list_with_tabs_needs_no_other_argument(suffix, mark, tmp_path):
    rows = ['text', 'label'], ['so it is', 'b'], ['no', 'a']
    (tmp_path / f'train.{suffix}').write_text('\n'.join(mark.join(row) for row in rows) + '\n')
    data = ListDataset(str(tmp_path), columns=dict(text='text'))
    assert data.metainfo['classes'] == ('a', 'b')
    assert [data.get_data_info(i)['gt_label'] for i in range(2)] == [1, 0]


@pytest.mark.parametrize(('suffix', 'mark'), [('csv', ','), ('tsv', '\t')])
def test_quotes_of_a_table_are_undone_as_csv_writes_them(suffix, mark, tmp_path):
    texts = ['He said "hi"', f'one{mark}two', '"all"', 'plain']
    with (tmp_path / f'train.{suffix}').open('w', newline='') as file:
        csv.writer(file, delimiter=mark).writerows([['text', 'label'], *([t, 'a'] for t in texts)])
    data = ListDataset(str(tmp_path), columns=dict(text='text'))
    assert [data.get_data_info(i)['modalities']['text'] for i in range(4)] == texts


def test_no_folder_of_labels_is_needed_without_labels(mine):
    (mine / 'train/label').rename(mine / 'elsewhere')
    assert len(rgbx(mine, labels='none')) == 6
    with pytest.raises(FileNotFoundError, match='train/label does not exist'):
        rgbx(mine, labels='some')


@pytest.mark.parametrize(('labels', 'message'), [
    ('most', "labels='most': choose 'all', 'some'"), (2, 'labels=2: a share is from 0 to 1'),
    (True, 'labels=True: a share'), (None, 'labels=None: give a word')])
def test_unknown_labels_are_refused(labels, message, mine):
    with pytest.raises(ValueError, match=message):
        rgbx(mine, labels=labels)


def test_several_folders_are_one_data_set(mine):
    (mine / 'train').rename(mine / 'one')
    for kind in ('gray', 'label'):
        (mine / f'two/{kind}').mkdir(parents=True)
        (mine / f'one/{kind}/place2_5.png').rename(mine / f'two/{kind}/place2_5.png')
    spread = dict(modalities=dict(gray=dict(folder='*/gray', suffix='.png', channels=1)),
                  label=dict(folder='*/label', suffix='.png'))
    assert labels_of(rgbx(mine, **spread)) == [[0], [1]] * 3
    (mine / 'one/gray/place2_5.png').write_bytes(b'')
    with pytest.raises(ValueError, match='one/gray/place2_5.png and .*two.* have the same stem'):
        rgbx(mine, **spread)


def test_groups_are_held_out_whole(mine):
    fit, val = (rgbx(mine, subset=subset, val_fraction=0.3, group=r'^(place\d)_')
                for subset in ('fit', 'val'))
    places = [{data.get_data_info(i)['stem'][:6] for i in range(len(data))} for data in (fit, val)]
    assert len(fit) == 4 and len(val) == 2 and not places[0] & places[1]


def test_the_number_of_groups_comes_nearest_to_the_share():
    groups = ['a'] * 10 + ['b'] * 10 + ['c'] * 80
    for seed in range(10):
        held = {groups[i] for i in select_subset(groups, 'val', 0.1, seed, groups)}
        assert held and len(held) < 3
    held = [len(select_subset(groups, 'val', 0.01, seed, groups)) for seed in range(10)]
    assert set(held) <= {10, 80}  # never none
    assert select_subset(['x', 'y'], 'fit', 0.9, 0, ['x', 'y'])  # never all


@pytest.mark.parametrize(('sizes', 'said'), [
    ((60, 40), '[46]0 of 100 samples are held out, [46]0% in place of 10%: 2 groups'),
    ((10,) * 10, None)])
def test_a_share_that_groups_do_not_come_near_is_told(sizes, said, monkeypatch):
    told = []
    monkeypatch.setattr('mmfkd.datasets.subset.print_log',
                        lambda text, **options: told.append(text))
    groups = [str(i) for i, size in enumerate(sizes) for _ in range(size)]
    select_subset(groups, 'val', 0.1, 0, groups)
    assert re.match(said, told[0]) if said else told == []


@pytest.mark.parametrize(('group', 'message'), [
    ('(', 'is no regular expression'), ('place', 'has no group'),
    ('(room)', "finds nothing in 1 of 1 names, such as 'place1'")])
def test_a_wrong_group_is_refused(group, message):
    with pytest.raises(ValueError, match=message):
        groups_of(['place1'], group)


@pytest.fixture
def table(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / 'a.png')
    lines = [f'a.png,a house {i},{"town" if i % 2 else "sea"},anna{i // 5}' for i in range(20)]
    (tmp_path / 'train.csv').write_text('\n'.join(['image,text,label,who', *lines]))
    return tmp_path


COLUMNS = dict(image='path', text='text')


def test_a_table_has_a_column_a_modality(table):
    data = ListDataset(str(table), COLUMNS)
    info = data.get_data_info(3)
    assert data.metainfo['classes'] == ('sea', 'town') and len(data) == 20
    assert info['modalities'] == dict(image=dict(path=str(table / 'a.png')), text='a house 3')
    assert info['gt_label'] == 1
    text = ListDataset(str(table), COLUMNS, modalities=['text'])
    assert text.get_data_info(3)['modalities'] == dict(text='a house 3')


def test_groups_of_a_table_are_a_column(table):
    fit, val = (ListDataset(str(table), COLUMNS, subset=subset, val_fraction=0.25, group='who')
                for subset in ('fit', 'val'))
    assert (len(fit), len(val)) == (15, 5)
    held = {val.get_data_info(i)['modalities']['text'] for i in range(5)}
    number = min(int(text.split()[-1]) for text in held)
    assert held == {f'a house {number + i}' for i in range(5)} and number % 5 == 0


def test_groups_of_a_table_are_an_expression_or_a_list(table):
    listed = table / 'groups.csv'
    listed.write_text('name,group\n' + ''.join(f'a house {i},{i % 4}\n' for i in range(20)))
    for group, kind in ((r'^a house (\d)', lambda text: text[8]),
                        (str(listed), lambda text: int(text.split()[-1]) % 4)):
        held = [{kind(data.get_data_info(i)['modalities']['text']) for i in range(len(data))}
                for data in (ListDataset(str(table), dict(text='text'), subset=subset, group=group)
                             for subset in ('fit', 'val'))]
        assert held[0] and held[1] and not held[0] & held[1]
    path = table / 'train.csv'
    path.write_text(path.read_text().replace(',who', ',who (name)'))
    assert len(ListDataset(str(table), COLUMNS, group='who (name)', subset='val')) == 5


def test_empty_cells_are_samples_without_a_label(table):
    path = table / 'train.csv'
    path.write_text(path.read_text().replace(',sea,', ',,'))
    with pytest.raises(ValueError, match=(
            "10 samples cannot be used: .* has label ''.*only some samples have labels, say lab")):
        ListDataset(str(table), COLUMNS)
    data = ListDataset(str(table), dict(text='text'), labels='some')
    assert [data.get_data_info(i)['gt_label'] for i in range(4)] == [-100, 0, -100, 0]
    tested = ListDataset(str(table), dict(text='text'), labels='some', test_mode=True)
    assert len(tested) == 10
    none = ListDataset(str(table), dict(text='text'), labels='none', test_mode=True)
    assert len(none) == 20


@pytest.mark.parametrize(('options', 'error', 'message'), [
    (dict(columns=dict(image='picture')), ValueError, "say of each what it holds, 'path', 'text'"),
    (dict(columns=dict(sound='path')), ValueError, 'has no column sound'),
    (dict(columns=COLUMNS, label='kind'), ValueError, 'has no column kind'),
    (dict(columns=COLUMNS, group='room', subset='val'), ValueError, 'has no column room'),
    (dict(columns=COLUMNS, classes_from='other.csv'), FileNotFoundError, 'other.csv does not exist')
])
def test_a_wrong_table_is_refused(options, error, message, table):
    with pytest.raises(error, match=message):
        ListDataset(str(table), **options)


def test_samples_of_one_name_are_counted_one_by_one():
    assert sum(labelled_samples(0.5, ['a'] * 10, [True] * 10, 0)) == 5


@pytest.mark.parametrize(('group', 'name', 'expected'), [
    (r'_([a-z]+)_\d+\.wav$', 'audio/7_jackson_32.wav', 'jackson'),
    (r'^(.+)/', 'video12/00031', 'video12'), (r'^col(\d{4})', 'col00014_row00003', '0001')])
def test_the_groups_of_the_docs_are_found_in_the_names(group, name, expected):
    assert groups_of([name], group) == [expected]
    text = (ROOT / 'docs/new_sensor.md').read_text()
    assert group in text or group in (ROOT / 'configs/_base_/datasets/mars.py').read_text()


def test_groups_are_listed_in_a_file_or_a_dict_or_told_by_a_function(tmp_path):
    names, listed = ['b_2', 'a_1', 'b_1'], {'a_1': 'x', 'b_1': 'y', 'b_2': 'y'}
    path = tmp_path / 'groups.csv'
    path.write_text('name,group\n' + ''.join(f'{k},{v}\n' for k, v in listed.items()))
    for group in (listed, str(path), lambda name: dict(a='x', b='y')[name[0]]):
        assert groups_of(names, group) == ['y', 'x', 'y']
    FUNCTIONS.register_module('first_letter', module=lambda name: dict(a='x', b='y')[name[0]])
    cfg = Config(dict(group=dict(type='first_letter')))
    assert 'first_letter' in cfg.pretty_text
    assert groups_of(names, cfg.group) == ['y', 'x', 'y']
    with pytest.raises(ValueError, match="type='last_letter'.*: no such function is registered"):
        groups_of(names, dict(type='last_letter'))
    with pytest.raises(ValueError, match=r"groups.csv names no group for 1 of 2 .*such as 'c'"):
        groups_of(['a_1', 'c'], str(path))
    with pytest.raises(ValueError, match="group names no group for 2 of 2 samples, such as 'c'"):
        groups_of(['c', 'd'], listed)


def test_a_table_takes_groups_from_elsewhere_too(table):
    def kind(name):
        return str(int(name.split()[-1]) % 4)
    fit, val = (ListDataset(str(table), dict(text='text'), subset=subset, val_fraction=0.25,
                            group=kind) for subset in ('fit', 'val'))
    found = [{kind(data.get_data_info(i)['modalities']['text']) for i in range(len(data))}
             for data in (fit, val)]
    assert len(val) == 5 and len(fit) == 15 and not found[0] & found[1]
