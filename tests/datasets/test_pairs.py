"""Classification data sets over their layouts: lists, labels, missing files, real lists."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from mmfkd.config import load_config
from mmfkd.datasets import (
    AVDigitsDataset,
    AVEDataset,
    CREMADDataset,
    CrisisMMDDataset,
    PairDataset,
    VGGSoundDataset,
)
from mmfkd.registry import DATASETS

TSV = ('event_name', 'tweet_id', 'image_id', 'tweet_text', 'image', 'label', 'label_text',
       'label_image', 'label_text_image')


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')


@pytest.fixture
def cremad(tmp_path):
    """Twenty clips, two of each emotion and more."""
    names = ('NEU', 'HAP', 'SAD', 'FEA', 'DIS', 'ANG')
    lines = [(f'{1001 + i}_DFA_{names[i % 6]}_XX', names[i % 6]) for i in range(20)]
    for clip, _ in lines:
        touch(tmp_path / 'AudioWAV' / f'{clip}.wav', tmp_path / 'frames' / clip / '00000.jpg')
    (tmp_path / 'train.csv').write_text(''.join(f'{clip},{label}\n' for clip, label in lines))
    return tmp_path


def test_a_line_becomes_paths_and_a_class(cremad):
    data = CREMADDataset(str(cremad))
    assert len(data) == 20
    info = data.get_data_info(4)
    assert info['gt_label'] == 4
    assert info['img_path'] == str(cremad / 'AudioWAV/1005_DFA_DIS_XX.wav')
    assert info['modalities'] == dict(
        audio=dict(path=str(cremad / 'AudioWAV/1005_DFA_DIS_XX.wav')),
        visual=dict(folder=str(cremad / 'frames/1005_DFA_DIS_XX')))


def test_a_plain_loader_finds_the_file_of_the_one_modality(shared_data):
    data = AVDigitsDataset(str(shared_data / 'avdigits'), modalities=['visual'])
    info = data.get_data_info(0)
    assert info['img_path'] == info['modalities']['visual']['path'] and Path(
        info['img_path']).is_file()


def test_one_modality_does_not_need_the_files_of_the_other(cremad):
    for path in (cremad / 'AudioWAV').iterdir():
        path.unlink()
    data = CREMADDataset(str(cremad), modalities=['visual'])
    assert len(data) == 20 and set(data.get_data_info(0)['modalities']) == {'visual'}


def test_the_held_out_part_is_fixed_and_disjoint(cremad):
    def names(**options):
        data = CREMADDataset(str(cremad), val_fraction=0.25, **options)
        return [data.get_data_info(i)['img_path'] for i in range(len(data))]
    val, fit = names(subset='val'), names(subset='fit')
    assert (len(val), len(fit)) == (5, 15) and not set(val) & set(fit)
    assert names(subset='val') == val != names(subset='val', split_seed=1)


@pytest.mark.parametrize('config', ['unimodal/cremad_audio', 'fdkd/cremad_visual2audio'])
def test_no_actor_is_trained_on_and_held_out(config, cremad, tmp_path):
    lines = [line.split(',') for line in (cremad / 'train.csv').read_text().splitlines()]
    for clip, label in lines:  # a second clip of each actor
        clip = clip.replace('DFA', 'IEO')
        touch(tmp_path / 'AudioWAV' / f'{clip}.wav', tmp_path / 'frames' / clip / '00000.jpg')
        with (cremad / 'train.csv').open('a') as file:
            file.write(f'{clip},{label}\n')
    cfg, actors = load_config(config), []
    for split in ('train', 'val'):
        dataset = DATASETS.build({**cfg[f'{split}_dataloader'].dataset, 'data_root': str(cremad),
                                  'pipeline': []})
        names = [Path(dataset.get_data_info(i)['img_path']).stem for i in range(len(dataset))]
        actors.append([name.split('_')[0] for name in names])
    fit, val = actors
    assert (len(fit), len(val)) == (36, 4) and not set(fit) & set(val)


def test_missing_files_are_counted_and_ten_are_listed(cremad):
    for path in sorted((cremad / 'AudioWAV').iterdir())[:12]:
        path.unlink()
    with pytest.raises(FileNotFoundError) as error:
        CREMADDataset(str(cremad))
    text = str(error.value)
    assert 'names 12 files that are missing or empty' in text and "missing='skip'" in text
    assert text.count('.wav') == 10


@pytest.mark.parametrize('spoil', [
    lambda root: (root / 'AudioWAV/1003_DFA_SAD_XX.wav').write_bytes(b''),
    lambda root: (root / 'frames/1003_DFA_SAD_XX/00000.jpg').unlink()])
def test_empty_files_and_folders_count_as_missing(cremad, spoil):
    spoil(cremad)
    with pytest.raises(FileNotFoundError, match='names 1 files .*1003_DFA_SAD_XX'):
        CREMADDataset(str(cremad))


def test_skipping_is_opt_in_and_counted(cremad, caplog):
    (cremad / 'AudioWAV/1003_DFA_SAD_XX.wav').unlink()
    with (cremad / 'train.csv').open('a') as file:
        file.write('1004_DFA_FEA_XX,BORED\n')
    with caplog.at_level('INFO'):
        assert len(CREMADDataset(str(cremad), missing='skip')) == 19


def test_parts_do_not_depend_on_what_is_skipped(cremad):
    def names(**options):
        data = CREMADDataset(str(cremad), val_fraction=0.25, missing='skip', **options)
        return {Path(info['img_path']).stem for info in map(data.get_data_info, range(len(data)))}
    whole = {subset: names(subset=subset) for subset in ('fit', 'val')}
    lost = {min(whole['fit']), min(whole['val'])}
    for name in lost:
        (cremad / 'frames' / name / '00000.jpg').unlink()
    for subset, before in whole.items():
        assert names(subset=subset, modalities=['audio']) == before
        assert names(subset=subset) == before - lost
    for name in whole['val']:
        (cremad / 'frames' / name / '00000.jpg').unlink(missing_ok=True)
    with pytest.raises(ValueError, match="none of the 5 samples of subset='val' can be used"):
        names(subset='val')


def test_a_label_that_is_no_class_is_named(cremad):
    with (cremad / 'train.csv').open('a') as file:
        file.write('1004_DFA_FEA_XX,BORED\n')
    with pytest.raises(ValueError, match="1 samples cannot be used: 1004_DFA_FEA_XX has label "
                                         "'BORED'.*'ANG'"):
        CREMADDataset(str(cremad))


def test_a_line_without_a_label_is_named(cremad):
    (cremad / 'train.csv').write_text('1001_DFA_NEU_XX\n')
    with pytest.raises(ValueError, match='train.csv, line 1: .* has 1 columns instead of the 2'):
        CREMADDataset(str(cremad))


@pytest.mark.parametrize(('options', 'message'), [
    (dict(split='dev'), r"split='dev': CREMADDataset has \['train', 'test'\]"),
    (dict(modalities=['video']), r"unknown modality \['video'\]; known are \['audio', 'visual'\]"),
    (dict(missing='drop'), "missing='drop': choose 'raise' or 'skip'"),
    (dict(subset='train'), "subset='train'"), (dict(val_fraction=2), 'val_fraction=2')])
def test_wrong_arguments_are_refused(cremad, options, message):
    with pytest.raises(ValueError, match=message):
        CREMADDataset(str(cremad), **options)


def test_a_missing_list_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match='train.csv does not exist. Prepare the data'):
        CREMADDataset(str(tmp_path))


def test_an_empty_list_is_refused(cremad):
    (cremad / 'train.csv').write_text('\n')
    with pytest.raises(ValueError, match='train.csv is empty: it names no sample'):
        CREMADDataset(str(cremad))


# AVE and VGGSound.

def test_ave_takes_the_event_and_the_first_line_of_an_id(tmp_path):
    (tmp_path / 'valSet.txt').write_text('Bark&a-b_c&good&2&5\nTruck&xyz&good&0&10\n'
                                         'Bark&a-b_c&good&0&3\n')
    for clip in ('a-b_c', 'xyz'):
        touch(tmp_path / 'audio' / f'{clip}.wav', tmp_path / 'frames' / clip / '00000.jpg')
    data = AVEDataset(str(tmp_path), split='val')
    assert len(data) == 2
    info = data.get_data_info(0)
    assert info['gt_label'] == 2
    assert info['modalities']['audio'] == dict(path=str(tmp_path / 'audio/a-b_c.wav'), start=2.0,
                                               end=5.0)
    assert info['modalities']['visual'] == dict(folder=str(tmp_path / 'frames/a-b_c'), start=2.0,
                                                end=5.0)


def test_ave_names_a_line_of_another_form(tmp_path):
    (tmp_path / 'testSet.txt').write_text('Bark&a&good&2\n')
    with pytest.raises(ValueError, match='testSet.txt, line 1: .* 4 columns instead of the 5'):
        AVEDataset(str(tmp_path), split='test')


@pytest.fixture
def vggsound(tmp_path):
    lines = [('-a', 30, 'playing harp'), ('b', 185, 'dog, barking'), ('c', 0, 'playing harp'),
             ('d', 7, 'wind')]
    for name in ('train_tiny.csv', 'test_tiny.csv'):
        with (tmp_path / name).open('w', newline='') as file:
            csv.writer(file).writerows([(*line, name[:-9]) for line in lines])
    for clip, start, _ in lines:
        name = f'{clip}_{start:06d}'
        touch(tmp_path / 'audio' / f'{name}.wav', tmp_path / 'frames' / name / '00000.jpg')
    return tmp_path


def test_vggsound_takes_its_classes_from_the_list(vggsound):
    data = VGGSoundDataset(str(vggsound), split='test')
    assert data.metainfo['classes'] == ('playing harp', 'dog, barking', 'wind')
    info = data.get_data_info(1)
    assert info['gt_label'] == 1
    assert info['modalities']['audio']['path'].endswith('/audio/b_000185.wav')


def test_vggsound_takes_any_list_of_classes(vggsound):
    data = VGGSoundDataset(str(vggsound), metainfo=dict(classes=('wind', 'playing harp')))
    assert [data.get_data_info(i)['gt_label'] for i in range(len(data))] == [1, 1, 0]


# CrisisMMD.

def crisis(root, *samples):
    lines = [dict.fromkeys(TSV, 'x') | dict(image_id=f'{i}_0', image=f'data_image/{i}.jpg',
                                            tweet_text=text, label=label)
             for i, (text, label) in enumerate(samples)]
    with (root / 'task_humanitarian_text_img_agreed_lab_train.tsv').open('w') as file:
        file.write('\t'.join(TSV) + '\n')
        file.writelines('\t'.join(line[key] for key in TSV) + '\n' for line in lines)
    for line in lines:
        touch(root / line['image'])
    return root


def test_eight_raw_labels_are_five_classes(tmp_path):
    crisis(tmp_path, ('a "quoted" text', 'injured_or_dead_people'), ('b', 'vehicle_damage'),
           ('c', 'missing_or_found_people'), ('d', 'not_humanitarian'))
    data = CrisisMMDDataset(str(tmp_path))
    infos = [data.get_data_info(i) for i in range(4)]
    assert [info['gt_label'] for info in infos] == [0, 1, 0, 2]
    assert infos[0]['modalities'] == dict(
        image=dict(path=str(tmp_path / 'data_image/0.jpg')), text='a "quoted" text')


def test_the_mapping_is_an_argument(tmp_path):
    crisis(tmp_path, ('b', 'vehicle_damage'), ('c', 'not_humanitarian'))
    data = CrisisMMDDataset(str(tmp_path), label_map=dict(vehicle_damage='not_humanitarian'))
    assert [data.get_data_info(i)['gt_label'] for i in range(2)] == [2, 2]
    with pytest.raises(ValueError, match="0_0 has label 'vehicle_damage'"):
        CrisisMMDDataset(str(tmp_path), label_map={})


def test_an_empty_text_is_named_and_skipped_when_asked(tmp_path):
    crisis(tmp_path, ('  ', 'not_humanitarian'), ('c', 'not_humanitarian'))
    with pytest.raises(ValueError, match='0_0 has an empty text'):
        CrisisMMDDataset(str(tmp_path))
    assert len(CrisisMMDDataset(str(tmp_path), missing='skip')) == 1
    assert len(CrisisMMDDataset(str(tmp_path), modalities=['image'])) == 2


def test_a_file_with_other_columns_is_refused(tmp_path):
    (tmp_path / 'task_humanitarian_text_img_agreed_lab_dev.tsv').write_text('a\tb\n1\t2\n')
    with pytest.raises(ValueError, match='has no column image_id, tweet_text, image, label'):
        CrisisMMDDataset(str(tmp_path), split='val')


# The real lists, without their files, and the real digits.

def raw(cls, root, split, **options):
    data = cls(str(root), split=split, lazy_init=True, **options)
    return list(data.samples(Path(data.ann_file))), set(data.metainfo['classes'])


@pytest.mark.parametrize(('cls', 'folder', 'counts'), [
    (CREMADDataset, 'cremad', dict(train=6698, test=744)),
    (AVEDataset, 'ave', dict(train=3312, val=401, test=402)),
    (VGGSoundDataset, 'vggsound50', dict(train=25835, test=2500)),
    (CrisisMMDDataset, 'crisismmd', dict(train=6126, val=998, test=955))])
def test_real_lists_have_their_counts_and_known_labels(shared_data, cls, folder, counts):
    for split, count in counts.items():
        samples, classes = raw(cls, shared_data / folder, split)
        assert len(samples) == count
        assert {sample['label'] for sample in samples} == classes


def test_the_classes_of_ave_are_in_the_order_of_its_test_list(shared_data):
    samples, _ = raw(AVEDataset, shared_data / 'ave', 'test')
    assert tuple(dict.fromkeys(s['label'] for s in samples)) == AVEDataset.METAINFO['classes']


def test_every_real_tweet_has_a_text(shared_data):
    samples, _ = raw(CrisisMMDDataset, shared_data / 'crisismmd', 'train')
    assert all(len(sample['modalities']['text'].split()) > 1 for sample in samples)
    assert Counter(s['label'] for s in samples)['affected_individuals'] == 71


def test_recordings_hold_out_a_part_of_the_digits(shared_data):
    root = str(shared_data / 'avdigits')
    assert len(AVDigitsDataset(root)) == 2700 and len(AVDigitsDataset(root, split='test')) == 300
    val = AVDigitsDataset(root, recordings=(5, 10))
    assert len(val) == 300
    assert Counter(info['gt_label'] for info in (val.get_data_info(i) for i in range(300))) == \
        dict.fromkeys(range(10), 30)
    assert all('_5.' <= val.get_data_info(i)['img_path'][-6:] for i in range(300))


# Forms of a modality.

@pytest.mark.parametrize(('sample', 'message'), [
    (dict(label='a', modalities=dict(x=3)), "gives modality 'x' as 3. There are three forms: a "
                                            "text, dict.path='...'. of a file, and dict.folder="),
    (dict(label='a', modalities=dict(x=dict(file='a.wav'))), 'There are three forms'),
    (dict(label='a', modalities=dict(x=dict(path='a', folder='b'))), 'There are three forms'),
    (dict(label='a', modalities=dict(y='text')), r'gives no modalities\.x in'),
    (dict(modalities=dict(x='text')), 'gives no label in'),
    (dict(label=0, modalities=dict(x='text')), 'gives label 0 in .*the name of its class')])
def test_a_sample_of_another_form_is_refused_with_the_forms(sample, message, tmp_path):
    class Mine(PairDataset):
        METAINFO = dict(classes=('a',))
        LISTS = dict(train='train.csv')
        MODALITIES = ('x',)

        def samples(self, path):
            yield sample

    (tmp_path / 'train.csv').touch()
    with pytest.raises(ValueError, match=message):
        Mine(str(tmp_path))
