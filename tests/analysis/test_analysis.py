"""The places that taps.py lists and the times that step_time.py takes."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmfkd.analysis import Floor, branch_arguments, compare, list_places, random_batch
from mmfkd.analysis.loss_cost import time_without, without_loss
from mmfkd.config import load_distiller_config, without_init
from mmfkd.devices import device_name
from mmfkd.models import Branch, Taps
from mmfkd.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/fdkd/synthetic_depth2rgb.py'


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    """Configs name each other by paths from the root."""
    monkeypatch.chdir(ROOT)


def command(name):
    return import_module(f'mmfkd.cli.analyze.{name}')


def stacked(batch):
    return {name: torch.stack(images) for name, images in batch['inputs'].items()}


def deeplab(kind):
    model = Config.fromfile(CONFIG).model
    spec = model.students.student if kind == 'student' else model.teachers.teacher
    arguments = branch_arguments(spec)
    return Branch(without_init(arguments['model']), arguments['modality'], arguments['norm'])


@pytest.fixture(scope='module', params=['student', 'teacher'])
def listed(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        branch = deeplab(request.param)
    batch = random_batch([branch], (32, 32), 2)
    mode = 'loss' if request.param == 'student' else 'tensor'
    before = {key: value.clone() for key, value in branch.state_dict().items()}
    places = list_places(branch, stacked(batch), batch['data_samples'], mode)
    assert all(torch.equal(value, before[key]) for key, value in branch.state_dict().items())
    return branch, batch, mode, {place.spec: place for place in places}


def test_channels_and_strides_of_deeplab(listed):
    places = listed[-1]
    for spec in ('backbone.layer4', 'backbone[3]', 'backbone.layer4.1.relu@in'):
        assert places[spec].shape == (2, 256, 2, 2)
        assert places[spec].stride == (16, 16)
    assert places['decode_head.conv_seg'].shape == (2, 4, 8, 8)
    assert places['decode_head.conv_seg'].stride == (4, 4)


def test_what_is_not_called_or_no_feature_is_not_listed(listed):
    places = listed[-1]
    assert len(places) > 100
    # decode_head is called past its hooks, and its loss is a scalar.
    assert not {'', 'decode_head', 'decode_head.loss_decode'} & set(places)


def test_inputs_are_listed_where_they_are_overwritten(listed):
    places = listed[-1]
    inputs = [place for place in places.values() if place.kind == 'input']
    assert {place.module for place in inputs} == {'ReLU'}
    assert places['backbone.layer4.1.bn2'].overwritten
    assert not places['backbone.layer4.1.relu@in'].overwritten
    assert not places['backbone.layer4.1.relu'].overwritten
    assert not places['backbone.layer4.1.conv2'].overwritten


def test_every_place_can_be_tapped(listed):
    branch, batch, mode, places = listed
    kept = {spec: place for spec, place in places.items() if not place.overwritten}
    assert len(kept) > 50
    tapped = Branch(branch.model, branch.modality, taps={spec: spec for spec in kept})
    tapped.train(mode == 'loss')
    with torch.no_grad():
        feats = tapped(stacked(batch), batch['data_samples'], mode=mode)[1]
    assert {spec: tuple(feat.shape) for spec, feat in feats.items()} == {
        spec: place.shape for spec, place in kept.items()}


def test_a_tap_refuses_each_place_that_is_marked_as_overwritten(listed):
    branch, batch, mode, places = listed
    marked = [spec for spec, place in places.items() if place.overwritten]
    assert 'backbone.layer4.1.bn2' in marked
    for spec in marked[::4]:
        tapped = Branch(branch.model, branch.modality, taps=dict(feat=spec))
        tapped.train(mode == 'loss')
        with torch.no_grad(), pytest.raises(RuntimeError, match='overwritten in place'):
            tapped(stacked(batch), batch['data_samples'], mode=mode)


class Items(nn.Module):
    """Returns a dict and vectors, and calls one of its modules never."""

    class Pair(nn.Module):
        def forward(self, x):
            return {'map': x * 2, 'vector': x.mean((2, 3)), 'not a key': x, 'count': 3}

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=(1, 2), padding=1)
        self.pair = self.Pair()
        self.unused = nn.ReLU()

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.pair(self.conv(inputs))['vector']


def test_items_of_a_dict():
    branch = Branch(Items(), 'depth')
    inputs = dict(depth=torch.randn(2, 2, 8, 8))
    places = {p.spec: p for p in list_places(branch, inputs, None, 'tensor')}
    assert list(places) == ['conv', 'pair[map]', 'pair[vector]']
    assert places['conv'].stride == (1, 2)
    assert (places['pair[vector]'].shape, places['pair[vector]'].stride) == ((2, 4), None)
    with Taps(branch.model, dict(feat='pair[map]')).recording() as feats:
        branch(inputs)
    assert feats['feat'].shape == places['pair[map]'].shape


def test_taps_command_marks_the_taps_of_the_config(capsys):
    command('taps').main([CONFIG, '--size', '32', '32', '--filter', 'layer4.1'])
    printed = capsys.readouterr().out
    assert 'students.student' in printed
    assert 'teachers.teacher' in printed
    marked = [line for line in printed.splitlines() if re.search(r'\bfeat\b', line)]
    assert len(marked) == 2
    assert all('backbone.layer4.1.relu@in' in line and ' 256 ' in line for line in marked)
    assert 'conv_seg' not in printed


def test_taps_command_lists_both_of_two_students(capsys):
    command('taps').main(['dml/avdigits_visual2audio', '--size', '32', '32', '--filter', 'fc'])
    printed = capsys.readouterr().out
    assert 'students.student' in printed and 'students.peer' in printed


def test_taps_command_says_which_tap_is_no_place(capsys, tmp_path):
    config = tmp_path / 'wrong.py'
    config.write_text(f"_base_ = ['{ROOT}/configs/unimodal/synthetic_depth.py']\n"
                      "model = dict(students=dict(student=dict(taps=dict(\n"
                      "    a='decode_head', b='decode_head.conv_seg@in'))))\n")
    command('taps').main([str(config), '--size', '32', '32', '--filter', 'conv_seg'])
    printed = capsys.readouterr().out
    assert "tap 'a': 'decode_head' is no such place. Close: decode_head." in printed
    assert "tap 'b': 'decode_head.conv_seg@in' is what that module is given" in printed


@pytest.mark.parametrize('name', ['taps', 'step_time'])
def test_unknown_config(name):
    with pytest.raises(SystemExit, match='configs/nothing.py does not exist') as exit_:
        command(name).main(['configs/nothing.py'])
    # Python prints a text to stderr and exits with 1.
    assert isinstance(exit_.value.code, str)


def test_step_time_command(capsys, tmp_path):
    file = tmp_path / 'times.json'
    command('step_time').main([CONFIG, '--size', '32', '32', '--batch', '2', '--steps', '2',
                                  '--warmup', '1', '--json', str(file)])
    result = json.loads(file.read_text())
    assert f'ratio to the floor: {result["ratio"]:.2f}' in capsys.readouterr().out
    assert list(result['seconds']) == ['data', 'preprocess', 'teacher', 'student', 'losses',
                                       'backward', 'optimizer']
    assert all(seconds > 0 for seconds in result['seconds'].values())
    assert [len(times) for times in result['times'].values()] == [2, 2]
    assert result['ratio'] == pytest.approx(result['full'] / result['floor'])
    assert (result['batch'], result['size']) == (2, dict(rgb=[32, 32], depth=[32, 32]))


def test_step_times_of_several_configs_end_in_a_table(capsys, tmp_path):
    file, other = tmp_path / 'times.json', CONFIG.replace('fdkd', 'dml')
    command('step_time').main([CONFIG, other, '--size', '32', '32', '--batch', '2', '--steps',
                                  '1', '--warmup', '0', '--json', str(file)])
    results = json.loads(file.read_text())
    assert [result['config'] for result in results] == [CONFIG, other]
    table = capsys.readouterr().out.rpartition('full step (s)')[2]
    for result in results:
        assert result['config'] in table and f' {result["ratio"]:.2f} ' in table


WIDE = """
_base_ = ['{root}/configs/unimodal/synthetic_depth.py']
model = dict(students=dict(student=dict(model=dict(
    backbone=dict(base_channels=128, stem_channels=128),
    decode_head=dict(in_channels=1024, c1_in_channels=128)))))
"""


def test_step_time_against_the_students_alone_and_their_memory(capsys, tmp_path):
    """A wide teacher has 47 M weights of 4 bytes, its student under 4 M."""
    (tmp_path / 'wide.py').write_text(WIDE.format(root=ROOT))
    file = tmp_path / 'times.json'
    command('step_time').main([
        CONFIG.replace('fdkd', 'kd'), '--size', '32', '32', '--batch', '2', '--steps', '1',
        '--warmup', '0', '--against', 'plain', '--memory', '--json', str(file), '--cfg-options',
        f'model.teachers.teacher.config={tmp_path / "wide.py"}'])
    printed, result = capsys.readouterr().out, json.loads(file.read_text())
    assert result['ratio'] == result['full'] / result['floor']
    assert f'ratio to the students alone: {result["ratio"]:.2f}' in printed
    assert 150e6 < result['peak'] - result['peak_plain'] < 400e6
    assert result['peak_plain'] > 12e6
    assert f'{result["memory_ratio"]:.2f} of that of the students alone' in printed


def test_step_times_of_several_devices_name_them_in_their_table(monkeypatch, capsys):
    step_time = command('step_time')
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda device: 'A100')
    monkeypatch.setattr(step_time, 'time_config', lambda path, args, device: dict(
        config=path, batch=2, size={}, seconds={}, steps=1, full=2.0, floor=1.0, ratio=2.0,
        device=device_name(device), against=args.against))
    step_time.main([CONFIG, '--devices', 'cpu', 'cuda', 'cuda:1'])
    rows = capsys.readouterr().out.rpartition('full step (s)')[2].splitlines()
    shown = [next(name for name in ('cpu', 'A100 1', 'A100') if f' {name} ' in row)
             for row in rows if ' 2.00 ' in row]
    assert shown == ['cpu', 'A100', 'A100 1']


@pytest.mark.parametrize(('name', 'message'), [
    ('cuda:2', 'cuda:2: PyTorch sees 2 GPUs here'), ('meta', 'meta: name'), ('gpu', 'gpu: name')])
def test_a_device_that_is_not_there_is_refused(name, message, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(SystemExit):
        command('step_time').parse_args([CONFIG, '--devices', name])
    assert message in capsys.readouterr().err


def test_a_balanced_loss_can_be_taken_out():
    cfg = load_distiller_config('fdkd/synthetic_depth2rgb')
    assert cfg.model.losses.loss_fdkd.balance.ratio == 1
    reduced = without_loss(cfg, 'loss_fdkd')
    assert not reduced.model.losses and cfg.model.losses
    times = time_without(cfg, reduced, (32, 32), batch=2, steps=1, warmup=0)
    assert [len(times[kind]) for kind in ('full', 'floor')] == [1, 1]


def test_step_time_refuses_another_precision():
    with pytest.raises(SystemExit, match='float32'):
        command('step_time').main([CONFIG, '--cfg-options',
                                      'optim_wrapper.type=mmfkd.BFloat16OptimWrapper'])


@pytest.mark.parametrize(('name', 'more'), [('step_time', []), ('loss_cost', ['loss_fdkd'])])
def test_a_cache_of_which_nothing_would_be_timed_is_refused(name, more):
    options = ['--size', '32', '32', '--batch', '2', '--steps', '1', '--warmup', '0',
               '--cfg-options']
    with pytest.raises(SystemExit, match=r"'teacher' has a cache, but .*\.teacher\.cache=None"):
        command(name).main([CONFIG, *more, *options, 'model.teachers.teacher.cache.views=8'])
    command(name).main([CONFIG, *more, *options, 'model.teachers.teacher.cache=None'])


def test_data_that_is_not_there_is_not_timed(tmp_path):
    step_time = command('step_time')
    config = 'configs/fdkd/nyuv2_depth2rgb.py'
    cfg = step_time.load_config(config, step_time.parse_args([
        config, '--cfg-options',
        f'train_dataloader.dataset.data_root={tmp_path / "nothing"}']))
    loader, note = step_time.build_loader(cfg)
    assert loader is None
    assert 'not timed' in note and 'nothing' in note


def test_full_and_floor_take_turns_and_the_same_number_of_steps():
    calls = []
    times = compare(lambda: calls.append('full'), lambda: calls.append('floor'), steps=3,
                    warmup=1, device=torch.device('cpu'))
    assert calls == ['full', 'floor', 'floor', 'full'] * 2
    assert [len(seconds) for seconds in times.values()] == [3, 3]
    with pytest.raises(ValueError, match='at least 1 step'):
        compare(print, print, steps=0, warmup=1, device=torch.device('cpu'))


def test_the_floor_trains_as_a_distiller_without_losses():
    cfg = Config.fromfile(CONFIG)
    config = without_init(cfg.model)
    config.teachers, config.losses = {}, {}
    model = MODELS.build(config).train()
    batch = random_batch([model.student], (32, 32), 2)
    initial = {key: value.clone() for key, value in model.students.state_dict().items()}
    floor = Floor(model, cfg.optim_wrapper, stacked(batch), batch['data_samples'])
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    # The seed fixes the dropout.
    torch.manual_seed(0)
    for _ in range(2):
        floor.step()
    torch.manual_seed(0)
    for _ in range(2):
        model.train_step(batch, optim_wrapper)
    weights = floor.students.state_dict()
    assert all(torch.equal(value, weights[key])
               for key, value in model.students.state_dict().items())
    assert not torch.equal(weights['student.model.decode_head.conv_seg.weight'],
                           initial['student.model.decode_head.conv_seg.weight'])
