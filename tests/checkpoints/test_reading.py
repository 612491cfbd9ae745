"""Checkpoints are read without running anything that stands in them, by whatever way they come."""

import builtins
import os

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.model.weight_init import PretrainedInit
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors.torch import save_file
from torch import nn

from mmfkd.checkpoints import (
    heads_of,
    is_whole,
    load_network,
    load_weights,
    read_checkpoint,
    resolve_checkpoint,
)
from mmfkd.checkpoints.schemes import load_from_web
from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.models.pretrained import InflatedPretrained
from mmfkd.models.teachers import build_teacher


class Command:
    """Pickles as the call of a shell."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.system, (f'touch {self.folder}/executed',)


class Attribute:
    """Pickles as ``getattr(owner, name)``."""

    def __init__(self, owner, name):
        self.owner, self.name = owner, name

    def __reduce__(self):
        return getattr, (self.owner, self.name)


class Rebuilt:
    """Pickles as torch's own function that calls what it is given: with getattr, anything."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        execute = Attribute(Attribute(HistoryBuffer, '__init__'), '__builtins__')
        return torch._tensor._rebuild_from_type_v2, (
            Attribute(execute, 'get'), object, ('exec',), {})


def command(folder):
    return Command(folder)


def rebuilt(folder):
    return Rebuilt(folder)


def in_log(folder):
    log = HistoryBuffer([1.0], [1])
    log._log_history = Command(folder)
    return log


def print_function(folder):
    return builtins.print


@pytest.fixture(params=[command, rebuilt, in_log, print_function],
                ids=lambda make: make.__name__)
def hostile(request, tmp_path):
    """A checkpoint with a sound state_dict that would run something."""
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict=nn.Conv2d(3, 4, 1).state_dict(), meta=dict(epoch=1, iter=1),
                    message_hub=dict(log_scalars=dict(loss=request.param(tmp_path)))), path)
    return path


def pretrained(path):
    PretrainedInit(str(path))(nn.Conv2d(3, 4, 1))


def inflated(path):
    InflatedPretrained(str(path))(nn.Conv2d(3, 4, 1))


def of_mmengine(path):
    load_checkpoint(nn.Conv2d(3, 4, 1), str(path))


@pytest.mark.parametrize('load', [load_weights, pretrained, inflated, of_mmengine],
                         ids=lambda load: load.__name__)
def test_what_could_run_is_refused_by_name_and_not_run(load, hostile, tmp_path):
    with pytest.raises((ValueError, RuntimeError), match=f'{hostile}.*could run a program'):
        load(hostile)
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('resume', [False, True])
def test_runners_refuse_it_too(resume, hostile, distiller_config, make_runner, tmp_path):
    runner = make_runner(distiller_config(), load_from=str(hostile), resume=resume)
    with pytest.raises(ValueError, match=f'{hostile}.*could run a program'):
        runner.train()
    assert not (tmp_path / 'executed').exists()


def test_the_text_of_a_config_is_not_executed(distiller_config, seg_branch, make_runner, tmp_path):
    model = distiller_config(students=dict(student=seg_branch(classes=4)), teachers={})
    make_runner(model, train_cfg=dict(max_epochs=1)).train()
    planted = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=False)
    planted['meta']['config'] = f"open('{tmp_path}/executed', 'w').close()"
    torch.save(planted, tmp_path / 'planted.pth')
    make_runner(model, name='again', train_cfg=dict(max_epochs=2), resume=True,
                load_from=str(tmp_path / 'planted.pth')).train()
    assert (tmp_path / 'again/epoch_2.pth').is_file()
    assert not (tmp_path / 'executed').exists()


def test_no_loader_of_mmengine_is_left():
    assert len(CheckpointLoader._schemes) > 8
    assert {loader.__module__ for loader in CheckpointLoader._schemes.values()} == {
        'mmfkd.checkpoints.schemes'}


def test_files_of_one_name_at_two_addresses_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    fetched = []

    def download(url, path):
        fetched.append(url)
        torch.save(dict(state_dict=dict(x=torch.full((1,), float(len(fetched))))), path)

    monkeypatch.setattr('torch.hub.download_url_to_file', download)
    addresses = [f'https://a.b/{name}' for name in (
        'a/w-20200708.pth', 'b/w-20200708.pth', 'a/w-20200708.pth', 'resnet-0676ba61.pth?x=1')]
    values = [load_from_web(url)['state_dict']['x'].item() for url in addresses]
    assert values == [1, 2, 1, 3] and fetched == [addresses[0], addresses[1], addresses[3]]
    # Where torch looks for it, and whoever puts it there by hand.
    assert (tmp_path / 'checkpoints/resnet-0676ba61.pth').is_file()


def test_records_of_mmengine_are_read_as_they_were_written(tmp_path):
    hub = MessageHub.get_instance('test_reading')
    for value in (1.0, 4.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best_score', np.float32(3.5))
    hub.update_info('names', ['a', 'b'])
    torch.save(dict(state_dict={}, message_hub=hub.state_dict()), tmp_path / 'x.pth')
    read = read_checkpoint(tmp_path / 'x.pth')['message_hub']
    log = read['log_scalars']['train/loss']
    assert type(log) is HistoryBuffer and log.mean() == 2.5 and log.max() == 4.0
    assert log.data[0].tolist() == [1.0, 4.0] and log.data[1].tolist() == [1, 1]
    assert read['runtime_info']['best_score'] == 3.5
    assert read['runtime_info']['names'] == ['a', 'b']
    again = MessageHub.get_instance('test_reading_again')
    again.load_state_dict(read)
    assert again.get_scalar('train/loss').statistics('mean') == 2.5


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04', b'no checkpoint', bytes(1000)])
def test_what_is_no_checkpoint_is_said_so(content, tmp_path):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(ValueError, match=r'x\.pth cannot be read: it is truncated, damaged'):
        read_checkpoint(tmp_path / 'x.pth')


@pytest.mark.parametrize('content', [[1, 2], torch.ones(2), 'text'])
def test_what_is_no_dict_is_said_so(content, tmp_path):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='has no weights: it holds a .* no dict of them'):
        read_checkpoint(tmp_path / 'x.pth')


def test_damaged_content_is_not_whole(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=dict(x=torch.rand(100_000))), path)
    assert is_whole(path)
    content = bytearray(path.read_bytes())
    content[100_000:164_000] = bytes(64_000)
    path.write_bytes(content)
    assert not is_whole(path)
    with pytest.raises(ValueError, match=r'x\.pth cannot be read: .*a checksum does not fit'):
        read_checkpoint(path)


def test_safetensors_are_read_wherever_checkpoints_are(tmp_path):
    path, network, other = tmp_path / 'their.safetensors', nn.Linear(3, 2), nn.Linear(3, 2)
    save_file(network.state_dict(), path)
    assert load_network(other, path) == ()
    assert torch.equal(other.weight, network.weight)
    from_mmengine = nn.Linear(3, 2)
    load_checkpoint(from_mmengine, str(path))
    assert torch.equal(from_mmengine.weight, network.weight)
    assert torch.equal(read_checkpoint('x.safetensors', content=path.read_bytes())['state_dict'][
        'bias'], network.bias)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match='their.safetensors cannot be read: it is truncated'):
        load_weights(path)


def test_a_folder_of_transformers_says_where_the_lines_are_that_read_it(tmp_path):
    save_file(dict(x=torch.zeros(1)), tmp_path / 'model.safetensors')
    with pytest.raises(ValueError, match=r"a model of transformers, .*new_sensor\.md, 'A ne"):
        resolve_checkpoint(tmp_path)


def test_a_checkpoint_of_another_modality_of_the_same_shape_is_refused(tmp_path):
    network = nn.Conv2d(1, 4, 1)
    weights = {f'students.student.model.{key}': value
               for key, value in network.state_dict().items()}
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=weights, meta=dict(modalities=dict(student=['audio']))), path)
    load_network(network, path, takes=dict(audio=None))
    load_network(network, path)
    with pytest.raises(ValueError, match=r"x\.pth is of a student of 'audio'.*takes 'visual'"):
        load_network(network, path, takes=dict(visual=None))


def test_a_checkpoint_of_other_heads_of_attention_is_refused(tmp_path):
    encoder = dict(model_type='bert', hidden_size=8, num_hidden_layers=1, intermediate_size=8,
                   vocab_size=9)
    model = dict(type='ImageClassifier', _scope_='mmpretrain', backbone=dict(
        type='mmfkd.HFEncoder', config=dict(encoder, num_attention_heads=4), pad_token=0),
        head=dict(type='LinearClsHead', num_classes=2, in_channels=8))
    spec = dict(modality='text', norm=None, taps={}, model=model)
    trained = CrossModalDistiller(students=dict(student=spec))
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=trained.state_dict(), meta=dict(modalities=dict(student=['text']),
               heads=dict(student=heads_of(trained.student.model)))), path)
    load_network(trained.student.model, path, takes=dict(text=None))
    model['backbone']['config'] = dict(encoder, num_attention_heads=2)
    other = CrossModalDistiller(students=dict(student=spec))
    with pytest.raises(ValueError, match=r"x\.pth was trained with 4 heads of attention in 'backbo"
                                         r'ne\..*, and this network has 2'):
        load_network(other.student.model, path, takes=dict(text=None))


def test_runs_record_their_modalities(distiller_config, seg_branch, make_runner, tmp_path):
    make_runner(distiller_config(students=dict(student=seg_branch(classes=4)), teachers={}),
                default_hooks=dict(checkpoint=dict(type='CheckpointHook'))).train()
    meta = read_checkpoint(tmp_path / 'run/epoch_1.pth')['meta']
    assert meta['modalities'] == dict(student=['rgb']) and meta['length'] == 1
    norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
    assert meta['takes'] == dict(student=dict(rgb=norm)) and meta['heads'] == dict(student={})


@pytest.mark.parametrize('changed', [dict(mean=[1.0, 2.0, 4.0]), dict(bgr_to_rgb=True), None])
def test_a_teacher_with_another_normalisation_is_refused(changed, seg_branch, tmp_path):
    norm = dict(mean=[1.0, 2.0, 3.0], std=[5.0] * 3, bgr_to_rgb=False)
    branch = Branch(**{**seg_branch(classes=4), 'norm': norm})
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=CrossModalDistiller(students=dict(
        student={**seg_branch(classes=4), 'norm': norm})).state_dict(), meta=dict(
            modalities=dict(student=['rgb']), takes=dict(student=branch.takes))), path)
    assert build_teacher(**{**seg_branch(classes=4), 'norm': norm}, checkpoint=str(path)).takes
    other = changed and {**norm, **changed}
    with pytest.raises(ValueError, match=r"x\.pth was trained with norm=.* of 'rgb', and the con"):
        build_teacher(**{**seg_branch(classes=4), 'norm': other}, checkpoint=str(path))


@pytest.mark.parametrize('schedule', [
    dict(type='OneCycleLR', eta_max=0.1, total_steps=4, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=2, by_epoch=True), dict(type='LinearLR', end=2),
    dict(type='MultiStepLR', milestones=[1]), dict(type='PolyLR', by_epoch=True),
    dict(type='ReduceOnPlateauLR', monitor='loss')], ids=lambda schedule: schedule['type'])
def test_runs_of_every_schedule_can_be_resumed(schedule, distiller_config, seg_branch, make_runner,
                                               tmp_path):
    model = distiller_config(students=dict(student=seg_branch(classes=4)), teachers={})
    changes = dict(param_scheduler=[schedule], train_cfg=dict(max_epochs=2),
                   custom_hooks=[dict(type='EpochSeedHook')])
    make_runner(model, **changes).train()
    resumed = make_runner(model, name='again', resume=True, **changes,
                          load_from=str(tmp_path / 'run/epoch_1.pth'))
    resumed.train()
    one, other = (read_checkpoint(tmp_path / name / 'epoch_2.pth')['state_dict']
                  for name in ('run', 'again'))
    assert len(one) > 20 and all(torch.equal(one[key], other[key]) for key in one)


def test_what_configs_and_metrics_leave_in_checkpoints_is_read(tmp_path):
    content = dict(state_dict={}, meta=dict(
        dataset_meta=ConfigDict(classes=('a',), more=dict(x=1)),
        steps=range(3), a=np.arange(3, dtype=np.int16),
        b=np.float16(2), c=np.array(['x', 'y']), d=np.uint8(3)))
    torch.save(content, tmp_path / 'x.pth')
    meta = read_checkpoint(tmp_path / 'x.pth')['meta']
    assert meta['dataset_meta'] == dict(classes=('a',), more=dict(x=1))
    assert meta['steps'] == range(3) and meta['d'] == 3
    assert meta['a'].tolist() == [0, 1, 2] and meta['c'].tolist() == ['x', 'y']
