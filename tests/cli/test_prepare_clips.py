"""tools/prepare/{cremad,ave,vggsound,crisismmd}.py on small layouts, and on the real lists."""

import json
import runpy
import sys

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from runs import ROOT

from mmfkd.cli.prepare import ave, cremad, crisismmd, vggsound
from mmfkd.datasets.preparation.splits import PrepareError, seeded_split

TOOLS = ROOT / 'tools/prepare'
EMOTIONS = ('NEU', 'HAP', 'SAD', 'FEA', 'DIS', 'ANG')


@pytest.fixture(scope='session')
def video_bytes(tmp_path_factory):
    """``video_bytes[suffix]``: a video of 1.2 s."""
    made = {}
    for suffix, codecs in dict(flv=('flv', 'libmp3lame'), mp4=('mpeg4', 'aac')).items():
        path = tmp_path_factory.mktemp('videos') / f'x.{suffix}'
        with av.open(str(path), 'w') as container:
            pictures = container.add_stream(codecs[0], rate=10)
            pictures.width = pictures.height = 32
            pictures.pix_fmt = 'yuv420p'
            sounds = container.add_stream(codecs[1], rate=44100, layout='mono')
            for i in range(12):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 9 * i, np.uint8))
                frame.pts = i
                container.mux(pictures.encode(frame))
                frame = av.AudioFrame.from_ndarray(np.full((1, 4410), 99 * i, np.int16), 's16',
                                                   'mono')
                frame.sample_rate, frame.pts = 44100, 4410 * i
                container.mux(sounds.encode(frame))
            for stream in (pictures, sounds):
                container.mux(stream.encode(None))
        made[suffix] = path.read_bytes()
    return made


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'root').mkdir()
    return tmp_path / 'root'


@pytest.fixture
def write_clips(root, video_bytes):
    """``write_clips('AVE/a.mp4', ...)`` writes videos below the root."""
    def write(*names):
        for name in names:
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(video_bytes[name.split('.')[-1]])
    return write


def write_list(path, *lines):
    path.write_text(''.join(f'{line}\n' for line in lines))


def frames(root, name):
    return sorted(path.name for path in (root / 'frames' / name).iterdir())


def report(root):
    return json.loads((root / 'prepare_report.json').read_text())


def snapshot(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob('*')
            if path.is_file() and path.name != 'prepare_report.json'}


def run(module, root, *options):
    return module.main([str(root), '--workers', '1', *options])


# One command after the other.

def test_cremad(root, write_clips, capsys):
    names = ['1001_DFA_ANG_XX', '1002_DFA_HAP_XX', '1003_IEO_SAD_HI']
    write_clips(*(f'VideoFlash/{name}.flv' for name in names))
    write_list(root / 'train.csv', f'{names[0]},ANG', f'{names[1]},HAP')
    write_list(root / 'test.csv', f'{names[2]},SAD')
    (root / 'AudioWAV').mkdir()
    distributed = root / 'AudioWAV' / f'{names[0]}.wav'
    soundfile.write(distributed, np.arange(50, dtype=np.int16), 16000)
    before = distributed.read_bytes()

    assert run(cremad, root) == 0
    assert distributed.read_bytes() == before
    for name in names:
        assert frames(root, name) == ['00000.jpg', '00001.jpg']
    info = soundfile.info(root / 'AudioWAV' / f'{names[1]}.wav')
    assert (info.samplerate, info.channels) == (16000, 1)
    assert report(root) == dict(
        made=3, done_before=0, skipped={},
        splits=dict(train=dict(listed=2, ready=2, published=6698),
                    test=dict(listed=1, ready=1, published=744)))
    assert 'train: 2 of 2 samples ready (6698 in the paper)' in capsys.readouterr().out

    before = snapshot(root)
    assert cremad.main([str(root), '--workers', '2']) == 0
    assert snapshot(root) == before
    assert report(root)['done_before'] == 3

    distributed.write_bytes(b'version https://git-lfs.github.com/spec/v1')
    assert run(cremad, root) == 1
    assert f'{distributed}: it is a pointer of Git LFS' in capsys.readouterr().err
    assert report(root)['splits']['train'] == dict(listed=2, ready=1, published=6698)


def test_ave(root, write_clips):
    write_clips(*(f'AVE/{name}.mp4' for name in ('a', '-b', 'c')))
    write_list(root / 'trainSet.txt', 'Church bell&a&good&0&10', 'Male speech, man&a&good&2&5')
    write_list(root / 'valSet.txt', 'Bark&-b&good&1&4')
    write_list(root / 'testSet.txt', 'Bark&c&good&0&1')
    assert run(ave, root) == 0
    for name in ('a', '-b', 'c'):
        assert frames(root, name) == ['00000.jpg', '00001.jpg']
        assert (root / 'audio' / f'{name}.wav').is_file()
    counts = report(root)
    assert counts['made'] == 3
    assert counts['splits']['train'] == dict(listed=2, ready=2, published=3339)
    assert counts['splits']['val'] == dict(listed=1, ready=1, published=402)


def test_vggsound(root, write_clips, monkeypatch):
    write_clips('video/-a_000030.mp4', 'video/b_020157.mp4')
    write_list(root / 'train_tiny.csv', '-a,30,"pigeon, dove cooing",train\r')
    write_list(root / 'test_tiny.csv', 'b,20157,dog barking,test\r')
    monkeypatch.setattr(sys, 'argv', ['vggsound.py', str(root), '--workers', '2'])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(TOOLS / 'vggsound.py'), run_name='__main__')
    assert caught.value.code == 0
    for name in ('-a_000030', 'b_020157'):
        assert frames(root, name) == ['00000.jpg', '00001.jpg']
        assert (root / 'audio' / f'{name}.wav').is_file()
    assert report(root)['splits']['train'] == dict(listed=1, ready=1, published=None)


# Lists that are made.

def test_cremad_without_lists(tmp_path, root, write_clips, capsys):
    names = [f'{1001 + i}_IEO_{EMOTIONS[i % 6]}_XX' for i in range(20)]
    write_clips(*(f'VideoFlash/{name}.flv' for name in reversed(names)))
    lists = cremad.make_lists(root, seed=0)
    assert cremad.make_lists(root, seed=0) == lists != cremad.make_lists(root, seed=1)
    for path in (root / 'VideoFlash').iterdir():
        path.rename(path.with_name('x' + path.name))
    write_clips(*(f'VideoFlash/{name}.flv' for name in names[:4]))
    for path in (root / 'VideoFlash').glob('x*'):
        path.unlink()
    with pytest.raises(PrepareError, match='4 clips are too few'):
        cremad.make_lists(root, seed=0)

    write_clips(*(f'VideoFlash/{name}.flv' for name in names[4:]))
    assert run(cremad, root) == 0
    assert 'made the lists train.csv, test.csv' in capsys.readouterr().out
    read = {split: cremad.FORMAT.read(root / f'{split}.csv') for split in ('train', 'test')}
    assert read == lists
    assert (len(read['train']), len(read['test'])) == (18, 2)
    rows = read['train'] + read['test']
    assert sorted(row['clip'] for row in rows) == names
    assert all(row['label'] == row['clip'].split('_')[2] for row in rows)

    assert run(cremad, root, '--seed', '1') == 0
    assert cremad.FORMAT.read(root / 'test.csv') == lists['test']


def test_cremad_name_without_label(root, write_clips, capsys):
    write_clips('VideoFlash/holiday.flv', *(f'VideoFlash/{i}_IEO_NEU_XX.flv' for i in range(9)))
    assert run(cremad, root) == 1
    assert 'VideoFlash/holiday.flv' in capsys.readouterr().err
    assert not list(root.glob('*.csv'))


def test_split_depends_on_names_and_seed_alone():
    names = [f'{i:03d}' for i in range(100)]
    splits = seeded_split(names, dict(val=0.1, test=0.2), seed=3)
    assert seeded_split(reversed(names * 2), dict(val=0.1, test=0.2), seed=3) == splits
    assert seeded_split(names, dict(val=0.1, test=0.2), seed=4) != splits
    assert {split: len(chosen) for split, chosen in splits.items()} == dict(
        train=70, val=10, test=20)
    assert sorted(sum(splits.values(), [])) == names


@pytest.mark.parametrize('header', [[], ['Category&VideoID&Quality&StartTime&EndTime']])
def test_ave_without_lists(root, write_clips, header):
    names = [f'id{i:02d}' for i in range(20)]
    lines = [f'{label}&{name}&good&{i}&10' for i, label in enumerate(('Bark', 'Goat'))
             for name in names]
    write_list(root / 'Annotations.txt', *header, *lines, 'Bark&absent&good&0&10',
               'Bark&id00&good&0&0')
    write_clips(*(f'AVE/{name}.mp4' for name in names))
    assert run(ave, root) == 0
    read = {split: ave.FORMAT.read(root / f'{split}Set.txt') for split in ('train', 'val', 'test')}
    ids = {split: {row['id'] for row in rows} for split, rows in read.items()}
    assert {split: len(rows) for split, rows in read.items()} == dict(train=32, val=4, test=4)
    assert {split: len(found) for split, found in ids.items()} == dict(train=16, val=2, test=2)
    assert set().union(*ids.values()) == set(names)
    assert sorted(line for split in ids for line in (root / f'{split}Set.txt').read_text(
        ).splitlines()) == sorted(lines)


OFFICIAL = ('a,1,dog barking,train', 'b,2,"pigeon, dove cooing",test', 'c,3,wind noise,train',
            'd,4,dog barking,test', 'e,5,"pigeon, dove cooing",train')


def test_vggsound_without_lists(root, write_clips):
    write_list(root / 'vggsound.csv', *OFFICIAL)
    write_clips(*(f'video/{name}_{i:06d}.mp4' for i, name in enumerate('abcde', 1)))
    assert run(vggsound, root) == 0
    assert (root / 'train_tiny.csv').read_text().splitlines() == [
        OFFICIAL[0], OFFICIAL[2], OFFICIAL[4]]
    assert (root / 'test_tiny.csv').read_text().splitlines() == [OFFICIAL[1], OFFICIAL[3]]


def test_vggsound_classes(root, tmp_path, capsys):
    write_list(root / 'vggsound.csv', *OFFICIAL)
    write_list(tmp_path / 'classes', 'dog barking', 'pigeon, dove cooing', '')
    lists = vggsound.make_lists(root, tmp_path / 'classes')
    assert {split: [row['id'] for row in rows] for split, rows in lists.items()} == dict(
        train=['a', 'e'], test=['b', 'd'])
    write_list(tmp_path / 'classes', 'dog barking', 'dog barkin')
    assert run(vggsound, root, '--classes', str(tmp_path / 'classes')) == 1
    assert f'{tmp_path / "classes"}: vggsound.csv has no class dog barkin:' in (
        capsys.readouterr().err)
    write_list(tmp_path / 'classes', 'wind noise')
    assert run(vggsound, root, '--classes', str(tmp_path / 'classes')) == 1
    assert 'no line of test' in capsys.readouterr().err
    write_list(root / 'train_tiny.csv', OFFICIAL[0])
    assert run(vggsound, root, '--classes', str(tmp_path / 'classes')) == 1
    assert 'train_tiny.csv is in' in capsys.readouterr().err


# Bad input of all of them.

@pytest.mark.parametrize('module, parts', [
    (cremad, ['VideoFlash', 'github.com/CheyneyComputerScience']),
    (ave, ['trainSet.txt', 'Annotations.txt', 'github.com/YapengTian']),
    (vggsound, ['train_tiny.csv', 'vggsound.csv', 'robots.ox.ac.uk']),
    (crisismmd, ['agreed_lab_train.tsv', 'agreed_lab_dev.tsv', 'crisisnlp.qcri.org'])])
def test_nothing_there(root, capsys, module, parts):
    assert run(module, root) == 1
    error = capsys.readouterr().err
    assert all(part in error for part in parts)
    assert run(module, root / 'elsewhere') == 1
    assert f'{root / "elsewhere"} does not exist' in capsys.readouterr().err


def test_options(root, capsys):
    for workers in ('0', 'x'):
        with pytest.raises(SystemExit):
            cremad.main([str(root), '--workers', workers])
    assert '--workers: 0 is below 1' in capsys.readouterr().err


def test_one_list_is_missing(root, capsys):
    write_list(root / 'train.csv', '1001_DFA_ANG_XX,ANG')
    assert run(cremad, root) == 1
    assert 'test.csv is missing beside train.csv' in capsys.readouterr().err
    assert not (root / 'test.csv').exists()


@pytest.mark.parametrize('data, parts', [
    (b'', ['is empty']),
    (b'1001_DFA_ANG_XX,ANG\n\n1001_DFA_ANG_XX\n', ['line 3', "'clip,label'"]),
    (b'1001_DFA_ANG_XX,ANG,1\n', ['line 1', "'clip,label'"]),
    (b'1001_DFA_ANG_XX,ANGRY\n', ['line 1', "'ANGRY'", 'NEU, HAP']),
    (b'\xff\xfe\x00\n', ['is no text in UTF-8']),
    (b'../../X,ANG\n', ['line 1', 'is no path below the folder'])])
def test_damaged_list(root, capsys, data, parts):
    write_list(root / 'train.csv', '1001_DFA_ANG_XX,ANG')
    (root / 'test.csv').write_bytes(data)
    assert run(cremad, root) == 1
    error = capsys.readouterr().err
    assert all(part in error for part in [str(root / 'test.csv'), *parts]), error


def test_start_that_is_no_second(root, capsys):
    write_list(root / 'train_tiny.csv', 'a,thirty,dog barking,train')
    write_list(root / 'test_tiny.csv', 'b,30,dog barking,test')
    assert run(vggsound, root) == 1
    assert f'{root / "train_tiny.csv"}, line 1' in capsys.readouterr().err


@pytest.fixture
def ave_lists(root):
    """A train list of 13 videos, and one each for val and test."""
    write_list(root / 'trainSet.txt', *(f'Bark&a{i:02d}&good&0&10' for i in range(13)))
    write_list(root / 'valSet.txt', 'Bark&b&good&0&10')
    write_list(root / 'testSet.txt', 'Bark&c&good&0&10')


def test_missing_videos(root, write_clips, ave_lists, capsys):
    write_clips('AVE/a00.mp4', 'AVE/b.mp4', 'AVE/c.mp4')
    assert run(ave, root) == 1
    error = capsys.readouterr().err
    assert '12 videos are missing' in error and 'github.com/YapengTian' in error
    assert '--skip-broken' in error
    assert str(root / 'AVE/a10.mp4') in error and str(root / 'AVE/a11.mp4') not in error
    assert list(report(root)['skipped']) == [str(root / f'AVE/a{i:02d}.mp4') for i in range(1, 13)]
    assert not (root / 'frames').exists()

    assert run(ave, root, '--skip-broken') == 0
    assert report(root)['made'] == 3 and len(report(root)['skipped']) == 12
    assert report(root)['splits']['train'] == dict(listed=13, ready=1, published=3339)
    assert "missing='skip'" in capsys.readouterr().err


def test_videos_are_not_needed_once_they_are_done(root, write_clips, ave_lists):
    write_clips(*(f'AVE/a{i:02d}.mp4' for i in range(13)), 'AVE/b.mp4', 'AVE/c.mp4')
    assert run(ave, root) == 0
    (root / 'AVE/a03.mp4').unlink()
    assert run(ave, root) == 0
    assert report(root)['done_before'] == 15


def test_broken_videos(root, write_clips, ave_lists, capsys):
    write_clips(*(f'AVE/a{i:02d}.mp4' for i in range(13)), 'AVE/b.mp4', 'AVE/c.mp4')
    broken = root / 'AVE/a05.mp4'
    whole = broken.read_bytes()
    broken.write_bytes(whole[:500])
    assert run(ave, root) == 1
    error = capsys.readouterr().err
    assert f'{broken}: it cannot be decoded' in error and '--skip-broken' in error
    assert 'Get them again from' in error.splitlines()[-1]
    assert report(root)['made'] == 14
    assert report(root)['splits']['train'] == dict(listed=13, ready=12, published=3339)
    assert 'cannot be decoded' in report(root)['skipped'][str(broken)]
    assert run(ave, root, '--skip-broken') == 0
    broken.write_bytes(whole)
    assert run(ave, root) == 0
    assert (report(root)['made'], report(root)['skipped']) == (1, {})


# CrisisMMD.

CRISIS_HEADER = ('event_name\ttweet_id\timage_id\ttweet_text\timage\tlabel\tlabel_text\t'
                 'label_image\tlabel_text_image')


def crisis_line(image, text='help', label='not_humanitarian'):
    return '\t'.join(['hurricane_irma', '9', image, text, f'data_image/{image}', label, label,
                      label, 'Positive'])


@pytest.fixture
def crisis(root):
    """A, b for training, c, d for the others; a text with quotes, which are text."""
    (root / 'data_image').mkdir()
    for name in ('a.jpg', 'b.png', 'c.jpg', 'd.jpg'):
        Image.fromarray(np.random.randint(0, 256, (64, 48, 3), np.uint8)).save(
            root / 'data_image' / name)
    header = CRISIS_HEADER
    for split, lines in dict(
            train=[crisis_line('a.jpg', '"so it begins'), crisis_line('b.png')],
            dev=[crisis_line('c.jpg', label='vehicle_damage')],
            test=[crisis_line('d.jpg', 'end"')]).items():
        write_list(root / crisismmd.LISTS[split], header, *lines)
    return root


def test_crisismmd(crisis, capsys):
    assert crisismmd.main([str(crisis), '--workers', '2']) == 0
    assert report(crisis)['splits']['train'] == dict(
        listed=2, ready=2, published=6126, labels=dict(not_humanitarian=2))
    assert report(crisis)['splits']['dev']['labels'] == dict(vehicle_damage=1)
    assert 'test: not_humanitarian 1' in capsys.readouterr().out


@pytest.mark.parametrize('workers', ['1', '2'])
def test_crisismmd_images_and_texts(crisis, capsys, workers):
    for name in ('a.jpg', 'b.png'):
        path = crisis / 'data_image' / name
        path.write_bytes(path.read_bytes()[:-200])
    (crisis / 'data_image/c.jpg').unlink()
    write_list(crisis / crisismmd.LISTS['test'], CRISIS_HEADER,
               crisis_line('d.jpg', ' '))
    assert crisismmd.main([str(crisis), '--workers', workers]) == 1
    error = capsys.readouterr().err
    for name, reason in {'a.jpg': 'it cannot be decoded', 'b.png': 'it cannot be decoded',
                         'c.jpg': 'there is no such file', 'd.jpg': 'its text in the list is'
                         }.items():
        assert f'{crisis / "data_image" / name}: {reason}' in error
    assert 'crisisnlp' in error.splitlines()[-1]
    assert [count['ready'] for count in report(crisis)['splits'].values()] == [0, 0, 0]
    assert run(crisismmd, crisis, '--skip-broken') == 0


def test_crisismmd_label(crisis, capsys):
    write_list(crisis / crisismmd.LISTS['dev'], CRISIS_HEADER,
               crisis_line('c.jpg', label='informative'))
    assert run(crisismmd, crisis) == 1
    assert "_dev.tsv, line 2: label 'informative'" in capsys.readouterr().err


# The real lists.

@pytest.mark.parametrize('module, folder, counts', [
    (cremad, 'cremad', cremad.PUBLISHED), (ave, 'ave', ave.PUBLISHED),
    (vggsound, 'vggsound50', dict(train=25835, test=2500)),
    (crisismmd, 'crisismmd', crisismmd.PUBLISHED)])
def test_real_lists(shared_data, module, folder, counts):
    lists = {split: module.FORMAT.read(shared_data / folder / name)
             for split, name in module.LISTS.items()}
    assert {split: len(rows) for split, rows in lists.items()} == counts
    assert counts == {
        'cremad': dict(train=6698, test=744), 'ave': dict(train=3339, val=402, test=402),
        'vggsound50': dict(train=25835, test=2500),
        'crisismmd': dict(train=6126, dev=998, test=955)}[folder]


def test_content_of_real_lists(shared_data):
    train, test = (cremad.FORMAT.read(shared_data / 'cremad' / f'{split}.csv')
                   for split in ('train', 'test'))
    assert train[0] == dict(clip='1088_IOM_NEU_XX', label='NEU')
    assert all(cremad.label_of(row['clip']) == row['label'] for row in train + test)
    first = ave.FORMAT.read(shared_data / 'ave/trainSet.txt')[1]
    assert first == {'class': 'Church bell', 'id': 'fCZi6I6kPpU', 'quality': 'good', 'start': 6,
                     'end': 10}
    rows = vggsound.FORMAT.read(shared_data / 'vggsound50/train_tiny.csv')
    assert len({row['class'] for row in rows}) == 50
    assert 'subway, metro, underground' in {row['class'] for row in rows}
    assert len({(row['id'], row['start']) for row in rows}) == len(rows)
    assert max(row['start'] for row in rows) == 20157
    rows = crisismmd.FORMAT.read(shared_data / 'crisismmd' / crisismmd.LISTS['train'])
    assert len({row['label'] for row in rows}) == 8
