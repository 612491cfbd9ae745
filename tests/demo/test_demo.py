"""The demo page: its answers against the networks themselves, and the page in a real browser."""

import re
import shutil
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import cv2
import gradio as gr
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from playwright.sync_api import TimeoutError, sync_playwright
from runs import ROOT

from mmfkd.cli.demo import main, parse_args
from mmfkd.config import load_config
from mmfkd.datasets import ListDataset
from mmfkd.demo.answers import of_files, of_sample
from mmfkd.demo.networks import kinds_of, open_networks
from mmfkd.demo.page import Page, as_input, legend, upload
from mmfkd.demo.samples import Samples, open_samples
from mmfkd.inference import Predictor
from mmfkd.inference.loading import load_student
from mmfkd.registry import MODELS
from mmfkd.visualization.panels import panel

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
ROOMS = '''
_base_ = ['{root}/configs/fdkd/synthetic_depth2rgb.py']
test_dataloader = dict(dataset=dict(num_scenes=5, size=(32, 32)))
model = dict(teachers=dict(teacher=dict(checkpoint='{folder}/depth.pth')))
'''
PAIRS = dict(synthetic_visual2audio=('clip', 'sound'), synthetic_text2image=('text', 'image'))


def save(config, path):
    """A checkpoint of random weights."""
    init_default_scope('mmfkd')
    torch.manual_seed(len(str(config)))
    torch.save(dict(state_dict=MODELS.build(load_config(config, teachers=False).model)
                    .state_dict()), path)
    return path


@pytest.fixture(scope='module')
def rooms(tmp_path_factory):
    """Folder of a distillation of rendered rooms; all three networks have random weights."""
    folder = tmp_path_factory.mktemp('rooms')
    (folder / 'rooms.py').write_text(ROOMS.format(root=ROOT, folder=folder))
    save(ROOT / 'configs/unimodal/synthetic_depth.py', folder / 'depth.pth')
    save(folder / 'rooms.py', folder / 'student.pth')
    baseline = folder / 'baseline'
    baseline.mkdir()
    shutil.copy(ROOT / 'configs/unimodal/synthetic_rgb.py', baseline)
    text = (baseline / 'synthetic_rgb.py').read_text()
    (baseline / 'synthetic_rgb.py').write_text(text.replace("'../", f"'{ROOT}/configs/"))
    save(baseline / 'synthetic_rgb.py', baseline / 'best_mIoU_epoch_1.pth')
    return folder


@pytest.fixture(scope='module')
def networks(rooms):
    return open_networks(rooms / 'rooms.py', rooms / 'student.pth', rooms / 'baseline', 'cpu')


@pytest.fixture(scope='module')
def samples(rooms):
    return open_samples(rooms / 'rooms.py', 3)


@pytest.fixture(scope='module')
def files(rooms, samples):
    """Modality to an image file of the second sample."""
    found = {}
    for name, kind in (('rgb', np.uint8), ('depth', np.uint16)):
        found[name] = str(rooms / f'{name}.png')
        cv2.imwrite(found[name], samples[1]['inputs'][name].numpy().transpose(1, 2, 0).astype(kind))
    return found


def test_samples_are_spread_over_the_test_set(samples):
    assert list(samples.places) == [0, 2, 4] and len(samples) == 3
    assert samples.thumbnail(1).shape == (32, 32, 3)
    np.testing.assert_array_equal(
        samples.thumbnail(1), samples[1]['inputs']['rgb'].numpy().transpose(1, 2, 0)[..., ::-1])


def test_every_network_answers_as_it_does_alone(rooms, networks, samples):
    assert list(networks) == ['student', 'teacher', 'baseline']
    assert kinds_of(networks) == dict(rgb='image', depth='image')
    models = dict(
        student=load_student(load_config(rooms / 'rooms.py'), rooms / 'student.pth'),
        teacher=load_student(load_config('unimodal/synthetic_depth'), rooms / 'depth.pth'),
        baseline=load_student(load_config('unimodal/synthetic_rgb'),
                              rooms / 'baseline/best_mIoU_epoch_1.pth'))
    wanted = panel(samples._dataset, 2, models)
    found = of_sample(networks, samples, 1, {'rgb', 'depth'})
    assert [one.title for one in found] == list(models)
    for one in found:
        np.testing.assert_array_equal(one.prediction.picture(1.0), wanted[one.title])
        assert one.milliseconds > 0
    np.testing.assert_array_equal(samples.truth(1, networks['student'].palette), wanted['truth'])


RESIZED = "dict(type='mmseg.Resize', scale=(64, 64), keep_ratio=False)"
FILES = """
_base_ = ['{root}/configs/unimodal/synthetic_rgb.py']
test_dataloader = dict(dataset=dict(
    _delete_=True, type='RGBXDataset', data_root='{folder}/data', split='test',
    labels='none', metainfo=dict(classes={classes}), modalities=dict(
        rgb=dict(folder='rgb', suffix='.png', channels=3)), pipeline=[
            dict(type='LoadModalities'), dict(type='StackModalities'), {step}
            dict(type='PackModalities')]))
"""


@pytest.mark.parametrize('rendered', [True, False])
def test_a_network_reads_a_sample_as_its_own_data_set_does(rendered, rooms, tmp_path):
    classes = open_samples(rooms / 'rooms.py')._dataset.metainfo['classes']
    for name, step in (('plain', ''), ('resized', f'{RESIZED},')):
        (tmp_path / f'{name}.py').write_text(FILES.format(
            root=ROOT, folder=tmp_path, classes=classes, step=step))
    (tmp_path / 'data/rgb/test').mkdir(parents=True)
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'data/rgb/test/a.png'), image)
    checkpoint = save(tmp_path / 'plain.py', tmp_path / 'x.pth')
    if rendered:
        steps = load_config('unimodal/synthetic_rgb').test_dataloader.dataset.pipeline
        steps.insert(-1, dict(type='mmseg.Resize', scale=(64, 64), keep_ratio=False))
        for name, own in (('plain', steps[:-2] + steps[-1:]), ('resized', steps)):
            (tmp_path / f'{name}.py').write_text(
                f"_base_ = ['{ROOT}/configs/unimodal/synthetic_rgb.py']\ntest_dataloader = dict("
                f"dataset=dict(num_scenes=2, size=(32, 32), pipeline={own}))\n")
    networks = {name: Predictor(tmp_path / f'{name}.py', checkpoint, device='cpu')
                for name in ('plain', 'resized')}
    samples = open_samples(tmp_path / 'plain.py')
    found = of_sample(networks, samples, 0, {'rgb'})
    assert [one.prediction.inputs['rgb'].shape[-2:] for one in found] == [(32, 32), (64, 64)]
    if not rendered:
        wanted = of_files(networks, dict(rgb=str(tmp_path / 'data/rgb/test/a.png')))
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one.prediction.mask, other.prediction.mask)


def test_a_modality_that_is_switched_off_is_not_given(networks, samples):
    both = of_sample(networks, samples, 0, {'rgb', 'depth'})
    student, teacher, baseline = of_sample(networks, samples, 0, {'rgb'})
    assert teacher.prediction is None and teacher.row() == ['teacher', '', 'needs depth', '']
    np.testing.assert_array_equal(student.prediction.mask, both[0].prediction.mask)
    assert baseline.row()[:2] == ['baseline', 'rgb']


def test_uploads_are_predicted_as_by_a_predictor(rooms, networks, files):
    found = of_files(networks, files)
    wanted, = Predictor(rooms / 'rooms.py', rooms / 'student.pth', device='cpu')(files['rgb'])
    np.testing.assert_array_equal(found[0].prediction.mask, wanted.mask)
    assert found[1].prediction.modalities == ('depth',)


def test_a_bad_upload_is_a_message_and_the_page_goes_on(rooms, networks, samples, files):
    page = Page(networks, samples)
    (rooms / 'bad.png').write_text('no image')
    with pytest.raises(gr.Error, match=r'bad\.png'):
        page.show(None, True, True, str(rooms / 'bad.png'), None)
    with pytest.raises(gr.Error, match='every modality is switched off'):
        page.show(0, False, False, None, None)
    pictures, rows = page.show(None, True, True, None, None)
    assert pictures == [] and [row[2] for row in rows] == ['needs rgb', 'needs depth', 'needs rgb']
    pictures, rows = page.show(None, True, False, files['rgb'], files['depth'])
    assert [caption for _, caption in pictures] == ['student', 'baseline']
    assert rows[1][2] == 'needs depth'
    pictures, _ = page.show(1, True, True, files['rgb'], None)
    assert [caption for _, caption in pictures] == ['truth', 'student', 'teacher', 'baseline']


def test_the_legend_names_every_colour(networks):
    text = legend(networks['student'])
    for name, colour in zip(networks['student'].classes, networks['student'].palette.tolist(),
                            strict=True):
        assert 'rgb({},{},{})'.format(*colour) in text and f'</span> {name}</span>' in text


@pytest.mark.parametrize('pair', PAIRS)
def test_sounds_clips_and_texts_have_a_place(pair, tmp_path):
    config = tmp_path / 'pair.py'
    config.write_text(f"_base_ = ['{ROOT}/configs/fdkd/{pair}.py']\n")
    student = save(config, tmp_path / 'student.pth')
    said = []
    networks = open_networks(config, student, device='cpu', report=said.append)
    assert list(networks) == ['student'] and len(said) == 1
    assert said[0].startswith("the teacher 'teacher' is not shown: ")
    found = open_samples(config, 2)
    page = Page(networks, found)
    assert set(page.kinds.values()) == {PAIRS[pair][1]}
    assert found.thumbnail(0).ndim == 3 and found.thumbnail(0).dtype == np.uint8
    pictures, rows = page.show(0, True, None)
    assert pictures[0][1] == f'student, truth: {found.truth(0, None)}'
    assert found.truth(0, None) in networks['student'].classes
    assert re.fullmatch(r'.+ \(\d+%\)', rows[0][2])
    for kind in PAIRS[pair]:
        assert upload('x', kind).label.startswith('x')


def test_a_sample_without_a_label_has_no_truth(tmp_path):
    (tmp_path / 'train.csv').write_text('text,label\nhello,a\nthere,b\nyou,\n')
    found = Samples(ListDataset(
        str(tmp_path), columns=dict(text='text'), labels='some', pipeline=[
            dict(type='TokenizeText', tokenizer='synthetic'), dict(type='PackPairs')]))
    assert [found.truth(i, None) for i in range(3)] == ['a', 'b', None]


def test_frames_are_read_in_the_order_of_their_numbers(tmp_path):
    # Every upload lies in a folder of its own.
    for i, folder in ((2, 'c'), (10, 'a'), (11, 'b')):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / f'f_{i}.png'), np.full((4, 4, 3), i * 10, np.uint8))
    (tmp_path / '3.png').write_text('no image')
    paths = [str(tmp_path / path) for path in ('a/f_10.png', 'b/f_11.png', 'c/f_2.png')]
    assert [int(frame[0, 0, 0]) for frame in as_input(paths, 'clip')] == [20, 100, 110]
    with pytest.raises(ValueError, match='a frame of the clip is no image'):
        as_input([paths[0], str(tmp_path / '3.png')], 'clip')


def test_the_recorded_baseline_is_shown_or_missed_with_a_word(rooms, tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    shutil.copy(rooms / 'rooms.py', run)
    shutil.copy(rooms / 'student.pth', run / 'best_mIoU_epoch_1.pth')
    said = []
    for where, titles in ((rooms / 'baseline', ['student', 'teacher', 'baseline']),
                          (tmp_path / 'gone', ['student', 'teacher'])):
        (run / 'summary.json').write_text(
            f'{{"test": {{}}, "baseline_work_dir": "{where}"}}')
        assert list(open_networks(run, device='cpu', report=said.append)) == titles
    assert len(said) == 1 and said[0].startswith('the baseline is not shown: ')


def test_a_run_without_its_test_files_has_no_samples(rooms, tmp_path):
    said = []
    for text, message in (
            ("test_dataloader = test_cfg = test_evaluator = None\n", 'has no test_dataloader'),
            (f"test_dataloader = dict(dataset=dict(_delete_=True, type='RGBXDataset', "
             f"data_root='{tmp_path}/none', split='test', modalities=dict(rgb=dict(folder='rgb', "
             "suffix='.png', channels=3)), label=dict(folder='label'), "
             "metainfo=dict(classes=('a', 'b'))))\n",
             'does not exist')):
        config = tmp_path / 'config.py'
        config.write_text(f"_base_ = ['{rooms}/rooms.py']\n{text}")
        assert open_samples(config, report=said.append) is None
        assert message in said.pop()


def test_the_command_listens_on_this_machine_alone(monkeypatch, capsys):
    args = parse_args(['run'])
    assert args.host == '127.0.0.1' and args.samples == 12
    with pytest.raises(SystemExit):
        parse_args(['run', '--samples', '0'])
    assert '--samples 0: take 1 or more' in capsys.readouterr().err
    with pytest.raises(SystemExit, match='nowhere'):
        main(['nowhere'])
    monkeypatch.setattr('mmfkd.cli.demo.find_spec', lambda name: None)
    with pytest.raises(SystemExit, match=r'needs gradio: pip install -e \.\[demo\]'):
        main(['run'])


def test_samples_of_a_small_set_are_all(samples):
    assert len(Samples(samples._dataset, 99)) == 5


@pytest.fixture
def served(rooms):
    """Address of the page of the command."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'mmfkd', 'demo', 'rooms.py', '--checkpoint', 'student.pth',
               '--baseline', 'baseline', '--port', str(port), '--samples', '3', '--device', 'cpu']
    with (rooms / 'log').open('w') as log:
        process = subprocess.Popen(command, cwd=rooms, stdout=log, stderr=subprocess.STDOUT)
    address, end = f'http://127.0.0.1:{port}', time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(address, timeout=5).close()
            break
        except OSError:
            time.sleep(0.3)
    yield address
    process.terminate()
    process.wait(30)


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here: apt-get install chromium')
def choose_file(page, path):
    """Gives the page a file; the click before draws the field anew, and an old one loses it."""
    for attempt in range(4):
        page.set_input_files('input[type=file] >> nth=0', path)
        try:
            return page.wait_for_selector(f'text={path.name}', timeout=15_000)
        except TimeoutError:
            if attempt == 3:
                raise


def test_the_page_in_a_browser(served, rooms, files):
    (rooms / 'bad.png').write_text('no image')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page()
        asked = []
        page.on('request', lambda request: asked.append(request.url))
        page.goto(served)
        page.click('#samples .thumbnail-lg >> nth=1')
        page.wait_for_selector('#answers >> text=teacher >> visible=true')
        page.wait_for_function("document.querySelectorAll('#predictions img').length == 4")
        page.click('text=give depth')
        page.wait_for_selector('#answers >> text=needs depth >> visible=true')
        page.wait_for_function("document.querySelectorAll('#predictions img').length == 3")
        choose_file(page, rooms / 'bad.png')
        page.click('text=Predict the uploads')
        page.wait_for_selector('.toast-body >> text=bad.png')
        page.click('text=give depth')
        page.click('#samples .thumbnail-lg >> nth=2')
        page.wait_for_function("document.querySelectorAll('#predictions img').length == 4")
        browser.close()
    assert asked and {url.split('/')[2] for url in asked if url.startswith('http')} == {
        served.removeprefix('http://')}
