"""The commands that draw FDKD's figures, on rendered data and untrained networks."""

import json
from importlib import import_module

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from runs import ROOT, save_teacher

from mmfkd.models import CrossModalDistiller

SMALL = '''
_base_ = ['{root}/configs/fdkd/synthetic_depth2rgb.py']
loader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=6, size=(64, 64)))
val_dataloader = loader
test_dataloader = loader
model = dict(teachers=dict(teacher=dict(
    config='{root}/configs/unimodal/synthetic_depth.py', checkpoint='{folder}/teacher.pth')))
'''


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """Folder with a config of depth teaching rgb, its teacher and an untrained student."""
    folder = tmp_path_factory.mktemp('pair')
    save_teacher(folder / 'teacher.pth')
    config = folder / 'depth2rgb.py'
    config.write_text(SMALL.format(root=ROOT, folder=folder))
    torch.manual_seed(1)
    model = CrossModalDistiller(students=Config.fromfile(config).model.students)
    torch.save(dict(state_dict=model.state_dict()), folder / 'best_mIoU_epoch_1.pth')
    return folder


@pytest.fixture
def command(monkeypatch, tmp_path):
    """``command(name, *arguments)``: runs it; returns its picture and its numbers."""
    def run(name, *arguments):
        monkeypatch.chdir(ROOT)
        out = tmp_path / 'new' / f'{name}.png'
        main = import_module(f'mmfkd.cli.analyze.{name}').main
        main([*map(str, arguments), '-o', str(out)])
        return cv2.imread(str(out)), json.loads(out.with_suffix('.json').read_text())
    return run


def test_cka_is_the_same_at_once_and_streamed(source, command, capsys):
    arguments = 'cka', source / 'depth2rgb.py', source
    picture, whole = command(*arguments, '--pixels', 8)
    assert picture.std() > 0
    assert whole['samples'] == 6 * 8 and list(whole['cka']) == ['raw', 'low', 'high']
    assert all(0 < score <= 1 for score in whole['cka'].values())
    assert f'{whole["cka"]["low"]:.4f}' in capsys.readouterr().out
    streamed = command(*arguments, '--pixels', 8, '--streaming')[1]
    assert streamed['samples'] == 48
    assert streamed['cka'] == pytest.approx(whole['cka'], abs=1e-6)
    same = command(*arguments, '--taps', 'student.feat', 'student.feat')[1]
    assert same['cka'] == pytest.approx(dict(raw=1, low=1, high=1))


def test_feature_scale_names_the_modalities(source, command):
    picture, found = command('feature_scale', source / 'depth2rgb.py',
                             source / 'best_mIoU_epoch_1.pth', '--split', 'val', '--limit', 5)
    assert picture.std() > 0
    assert {key: scale['modality'] for key, scale in found['scales'].items()} == {
        'student.feat': 'rgb', 'teacher.feat': 'depth'}
    # 5 samples of 256 channels at 4 x 4.
    assert found['scales']['student.feat']['count'] == 5 * 256 * 16
    assert found['scales']['teacher.feat']['std'] > 0


def test_bands_of_every_tap(source, command):
    picture, found = command('bands', source / 'depth2rgb.py', source, '--taps', 'all')
    assert picture.std() > 0
    assert {'student.logits', 'teacher.logits', 'student.decoder'} < set(found['shares'])
    for share in found['shares'].values():
        assert share['dc'] + share['low'] + share['high'] == pytest.approx(1)
    space = command('bands', source / 'depth2rgb.py', source, '--axis', 'space', '--taps',
                    'student.feat')[1]['shares']
    assert list(space) == ['student.feat']
    assert space['student.feat']['low'] != found['shares']['student.feat']['low']


def test_all_taps_are_those_that_a_prediction_fills_and_the_measure_takes(clips, command, capsys):
    config = clips / 'auxiliary.py'
    config.write_text(f"_base_ = ['{clips}/audio2visual.py']\nmodel = dict(students=dict(student="
                      "dict(taps=dict(silent='head.loss_module'))))\n")
    arguments = 'bands', config, clips / 'visual.pth', '--axis', 'space', '--taps'
    shares = command(*arguments, 'all')[1]['shares']
    printed = capsys.readouterr().out
    assert 'student.layer3' in shares and not {'student.logits', 'student.silent'} & set(shares)
    assert "student.silent is left out: tap 'silent' (head.loss_module) recorded nothing" in printed
    assert "student.logits is left out: 'student.logits' is no map but (16, 6)" in printed
    with pytest.raises(SystemExit, match="tap 'silent' .* recorded nothing"):
        command(*arguments, 'student.silent')


def test_masks_are_drawn_and_classes_are_not(clips, command):
    with pytest.raises(SystemExit, match='panels show masks: mmfkd demo shows samples'):
        command('panels', clips / 'audio2visual.py', clips / 'visual.pth')


def test_a_unimodal_config_needs_no_teacher(source, command):
    found = command('feature_scale', ROOT / 'configs/unimodal/synthetic_rgb.py', source,
                    '--limit', 2, '--cfg-options', 'test_dataloader.num_workers=0')[1]
    assert list(found['scales']) == ['student.feat']


def test_loss_shapes_need_no_config(command):
    picture, found = command('loss_shapes', '--range', 3, '--points', 7)
    assert picture.std() > 0
    assert found['difference'] == [-3, -2, -1, 0, 1, 2, 3]
    assert found['gradient']['MSE'] == [-6, -4, -2, 0, 2, 4, 6]
    assert found['loss']['logMSE'][-1] == pytest.approx(np.log(4) ** 2)


def test_tsne_of_pixels_side_by_side(source, command):
    pair = source / 'depth2rgb.py'
    arguments = ('tsne', f'{pair}:{source}', f'{pair}:{source / "best_mIoU_epoch_1.pth"}',
                 '--classes', 'wall', 'floor', '--per-class', 6, '--perplexity', 5)
    picture, found = command(*arguments)
    assert picture.shape[1] > 1.5 * picture.shape[0] and picture.std() > 0
    first, second = found['panels']
    names = list(first['classes'].values())
    assert names == ['wall', 'floor'] and len(first['labels']) == 12
    assert np.shape(first['points']['student.feat']) == (12, 2)
    assert first['points'] == second['points'] and first['labels'] == second['labels']


# ---------------------------------------------------------------- vectors of classifiers

CLIPS = '''
_base_ = ['{root}/configs/fdkd/synthetic_audio2visual.py']
test_dataloader = dict(batch_size=16, num_workers=0, dataset=dict(num_samples=32, size=(32, 32)))
model = dict(teachers=dict(teacher=dict(
    config='{root}/configs/unimodal/synthetic_audio.py', checkpoint='{folder}/audio.pth')))
'''


@pytest.fixture
def clips(tmp_path):
    config = tmp_path / 'audio2visual.py'
    config.write_text(CLIPS.format(root=ROOT, folder=tmp_path))
    for name, path in (('audio', ROOT / 'configs/unimodal/synthetic_audio.py'),
                       ('visual', config)):
        model = CrossModalDistiller(students=Config.fromfile(path).model.students)
        torch.save(dict(state_dict=model.state_dict()), tmp_path / f'{name}.pth')
    return tmp_path


def test_vectors_of_clips_are_embedded_and_compared(clips, command):
    config, weights = clips / 'audio2visual.py', clips / 'visual.pth'
    found = command('tsne', f'{config}:{weights}', '--per-class', 2, '--perplexity', 4)[1]
    points = found['panels'][0]['points']
    assert list(points) == ['student.feat', 'teacher.feat']
    assert len(points['student.feat']) == 2 * len(found['panels'][0]['classes'])
    assert command('cka', config, weights)[1]['samples'] == 32


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize('name, arguments, message', [
    ('cka', ['{folder}/nothing.py', 'best'], 'nothing.py does not exist in .*; ls'),
    ('cka', ['{config}', '{folder}/nothing.pth'], 'holds no best_'),
    ('cka', ['{config}', '{folder}/teacher.pth'], 'another architecture'),
    ('cka', ['{config}', '{folder}', '--taps', 'student.feat', 'teacher.feet'],
     'teacher.feet: no such tap. The branches student, teacher have student.feat'),
    ('cka', ['{config}', '{folder}', '--cutoff', '2'], 'cutoff=2'),
    ('cka', ['{config}', '{folder}', '--pixels', '0'], 'pixels=0'),
    ('feature_scale', ['{config}', '{folder}', '--limit', '0'], 'limit=0'),
    ('feature_scale', ['{config}', '{folder}', '--split', 'val', '--cfg-options',
                       'val_dataloader=None'], 'no val_dataloader: choose another --split'),
    ('loss_shapes', ['--range', '0'], 'must be above 0'),
    ('tsne', ['{config}:{folder}', '--classes', 'unicorn'], 'unicorn: no such class'),
    ('tsne', ['{config}:{folder}', '--per-class', '5000'], 'per_class=5000: draw fewer'),
    ('tsne', ['{config}:{folder}', '--per-class', '1', '--classes', 'wall'], 'perplexity=30')])
def test_bad_input_is_one_line_with_the_cure(source, command, name, arguments, message):
    places = dict(folder=source, config=source / 'depth2rgb.py')
    with pytest.raises(SystemExit, match=message) as caught:
        command(name, *(argument.format(**places) for argument in arguments))
    assert isinstance(caught.value.code, str) and '\n' not in caught.value.code


def test_another_suffix_is_no_picture(capsys):
    main = import_module('mmfkd.cli.analyze.loss_shapes').main
    with pytest.raises(SystemExit):
        main(['-o', 'shapes.json'])
    assert 'must end in .png' in capsys.readouterr().err


def test_a_filter_that_matches_nothing_says_what_it_matches(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    taps = import_module('mmfkd.cli.analyze.taps').main
    taps(['configs/unimodal/synthetic_depth.py', '--filter', 'layer9'])
    printed = ' '.join(capsys.readouterr().out.split())
    assert "no path contains 'layer9'. Paths begin with backbone" in printed
    taps(['configs/unimodal/synthetic_depth.py', '--filter', 'layer4.1.relu'])
    printed = capsys.readouterr().out
    assert 'no path contains' not in printed and 'backbone.layer4.1.relu@in' in printed


def test_layouts_are_listed_and_taps_with_one_are_found(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    import_module('mmfkd.cli.analyze.taps').main(
        ['configs/unimodal/synthetic_text.py', '--filter', 'stages.1', '--size', '1', '20'])
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if 'backbone.stages.1' in line)
    assert [cell.strip() for cell in row.split('│')[4:8]] == ['20 x 64', '', 'NLC', 'layer2, pre2']
    assert 'is no such place' not in printed
