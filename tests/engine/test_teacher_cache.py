"""A run with its teacher's outputs on disk: the same numbers, and no teacher where they are."""

import os
import shutil
import socket
import sys
from types import SimpleNamespace
from uuid import uuid4

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from runs import run, save_teacher, weights

from mmfkd.cli.cache import main
from mmfkd.config import load_config
from mmfkd.engine.processes import StopRequest
from mmfkd.engine.teacher_outputs import use_views
from mmfkd.engine.teachers import differences
from mmfkd.engine.training import prepare_run, train_config
from mmfkd.models.frozen_branch import CachedBranch
from mmfkd.registry import HOOKS, TRANSFORMS

STILL = [dict(type='RenderRGBD'), dict(type='StackModalities'), dict(type='PackModalities')]
TEACHER = 'model.teachers.teacher'


@pytest.fixture
def teacher(tmp_path):
    return save_teacher(tmp_path / 'teacher.pth')


@pytest.fixture
def forwards(monkeypatch):
    """Number of samples of each batch that a teacher's network was run on."""
    seen = []
    plain = CachedBranch.prepare

    def counted(self, inputs):
        seen.append(len(next(iter(inputs.values()))))
        return plain(self, inputs)

    monkeypatch.setattr(CachedBranch, 'prepare', counted)
    return seen


@pytest.fixture
def train(tmp_path, teacher):
    """``train(name, method, still, **options)``: a short run through the command's functions."""
    def train(name, method='fdkd', still=True, epochs=3, resume=None, **options):
        cfg = load_config(f'{method}/synthetic_depth2rgb', {
            f'{TEACHER}.checkpoint': str(teacher), 'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs, 'default_hooks.teacher_report': None,
            'default_hooks.prediction_panel': None, 'default_hooks.checkpoint.interval': 1})
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.update(batch_size=4, num_workers=0)
            loader.dataset.update(num_scenes=10, size=(32, 32))
        if still:
            cfg.train_dataloader.dataset.pipeline = STILL
        cfg.merge_from_dict(options)
        cfg.experiment_name = uuid4().hex
        cfg.dump(tmp_path / f'{name}.py')
        prepare_run(cfg, tmp_path / name, resume)
        train_config(cfg, StopRequest())
        return weights(tmp_path / f'{name}/epoch_{epochs}.pth')

    return train


def free_port():
    with socket.socket() as one:
        one.bind(('localhost', 0))
        return one.getsockname()[1]


def cache(folder, **options):
    return {f'{TEACHER}.cache': dict(dict(folder=str(folder / 'kept'), views=1), **options)}


def equal(one, other):
    return one.keys() == other.keys() and len(one) > 100 and all(
        torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize('views', ['all', 1])
def test_without_randomness_it_equals_a_run_without_bit_for_bit(views, train, tmp_path, forwards):
    plain = train('plain')
    assert not forwards
    kept = train('kept_run', **cache(tmp_path, views=views, dtype='float32'))
    assert equal(plain, kept)
    # 10 samples in batches of 4, of which an epoch leaves out the last 2: computed behind it.
    assert forwards == [4, 4, 2] * (3 if views == 'all' else 1)
    del forwards[:]
    again = train('again', **cache(tmp_path, views=views, dtype='float32'))
    assert equal(plain, again) and not forwards


def test_views_are_met_again_and_differ(train, tmp_path, forwards):
    first = train('first', still=False, epochs=4, **cache(tmp_path, views=2))
    assert forwards == [4, 4, 2] * 2
    folder, = (tmp_path / 'kept').iterdir()
    second = train('second', still=False, epochs=4, **cache(tmp_path, views=2))
    assert len(forwards) == 6 and equal(first, second)
    # Another seed of the run has the same views, and so does another method.
    train('third', still=False, epochs=4, **cache(tmp_path, views=2), **{'randomness.seed': 1})
    assert len(forwards) == 6
    train('kd', 'kd', still=False, epochs=2, **cache(tmp_path, views=2))
    assert [path.name for path in (tmp_path / 'kept').iterdir()] == [folder.name]
    assert {path.stem for path in folder.glob('*.bin')} == {'feat', 'logits'}
    assert forwards[6:] == [4, 4, 2] * 2  # for the logits, which FDKD does not take
    files = (folder / 'feat.bin').read_bytes()
    half = len(files) // 2
    assert files[:half] != files[half:]


@pytest.mark.parametrize('changed', [
    {f'{TEACHER}.norm': dict(mean=[1000.0], std=[500.0])},
    {'train_dataloader.dataset.size': (40, 32)},
    {f'{TEACHER}.channels_last': True}, {f'{TEACHER}.cache.seed': 1},
    {f'{TEACHER}.cache.dtype': 'bfloat16'}])
def test_what_another_output_would_follow_from_is_computed_anew(changed, train, tmp_path, forwards):
    train('first', epochs=1, **cache(tmp_path))
    train('second', epochs=1, **cache(tmp_path), **changed)
    assert forwards == [4, 4, 2] * 2
    assert len(list((tmp_path / 'kept').iterdir())) == 2


def test_another_teacher_is_computed_anew(train, teacher, tmp_path, forwards):
    train('first', epochs=1, **cache(tmp_path))
    content = torch.load(teacher)
    next(iter(content['state_dict'].values())).mul_(1.5)
    torch.save(content, teacher)
    train('second', epochs=1, **cache(tmp_path))
    assert forwards == [4, 4, 2] * 2


class Brightened(BaseTransform):
    """A step that reads a file that its config does not name."""

    def __init__(self, name):
        self.files_read = [f'{name}.txt']
        with open(self.files_read[0]) as file:
            self.gain = float(file.read())

    def transform(self, results):
        results['img'] = results['img'] * self.gain
        return results


def test_a_file_that_a_step_has_read_is_looked_at(train, tmp_path, forwards, monkeypatch):
    monkeypatch.setitem(TRANSFORMS.module_dict, 'Brightened', Brightened)
    step = dict(type='Brightened', name=str(tmp_path / 'gain'))
    pipeline = [*STILL[:2], dict(type='RandomApply', prob=1.0, transforms=[step]), STILL[2]]
    options = {'train_dataloader.dataset.pipeline': pipeline, **cache(tmp_path)}
    for gain, runs in (('1.5', 2), ('2.25', 1)):
        (tmp_path / 'gain.txt').write_text(gain)
        for _ in range(runs):
            train('run', epochs=1, **options)
    assert forwards == [4, 4, 2] * 2


@pytest.mark.parametrize('damage', ['changed', 'cut'])
def test_a_damaged_file_is_computed_anew_where_it_is_damaged(damage, train, tmp_path, forwards):
    options = cache(tmp_path, dtype='float32')
    whole = train('first', **options)
    path, = (tmp_path / 'kept').glob('*/feat.bin')
    content = bytearray(path.read_bytes())
    if damage == 'changed':
        content[10] ^= 1  # of the first sample
    else:
        del content[-5:]  # of the last one
    path.write_bytes(content)
    del forwards[:]
    assert equal(whole, train('second', **options))
    # The batch of the sample, or the sample alone where the epoch has left it out.
    assert forwards in ([4], [1])
    assert len(path.read_bytes()) >= len(content)


def test_a_full_disk_ends_the_keeping_and_not_the_run(train, tmp_path, forwards, monkeypatch):
    def full(self, number, value):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mmfkd.caching.records.RecordFile.write', full)
    plain = train('plain', epochs=2)
    kept = train('kept_run', epochs=2, **cache(tmp_path, dtype='float32'))
    assert equal(plain, kept) and forwards == [4, 4] * 2


def test_room_for_checkpoints_is_left(train, tmp_path, forwards, monkeypatch):
    plain = train('plain', epochs=2)
    size = max(path.stat().st_size for path in (tmp_path / 'plain').glob('*.pth'))
    monkeypatch.setattr('mmfkd.caching.outputs.shutil.disk_usage',
                        lambda path: SimpleNamespace(free=4 * size))
    assert equal(plain, train('kept_run', epochs=2, **cache(tmp_path, dtype='float32')))
    assert forwards == [4, 4] * 2 and not list(tmp_path.glob('kept/*/*.bin'))


def test_a_killed_and_resumed_run_ends_alike(train, tmp_path, forwards):
    options = cache(tmp_path, views=2)
    whole = train('whole', still=False, epochs=4, **options)
    train('parts', still=False, epochs=4, **{**options, f'{TEACHER}.cache.folder': str(
        tmp_path / 'other')})
    for number in (3, 4):
        (tmp_path / f'parts/epoch_{number}.pth').unlink()
    for path in (tmp_path / 'parts').glob('best*'):
        path.unlink()
    (tmp_path / 'parts/last_checkpoint').write_text(str(tmp_path / 'parts/epoch_2.pth'))
    (tmp_path / 'parts/summary.json').unlink()
    assert equal(whole, train('parts', still=False, epochs=4, resume='auto', **options))


def write_images(folder, heights=(32,)):
    """Ten images of RGB and depth, and their labels; returns the files of depth."""
    rng = np.random.default_rng(0)
    for kind, channels, high, dtype in (('rgb', (3,), 256, np.uint8), (
            'depth', (), 5000, np.uint16), ('label', (), 4, np.uint8)):
        (folder / 'train' / kind).mkdir(parents=True)
        for i in range(10):
            shape = heights[i % len(heights)], 32, *channels
            cv2.imwrite(str(folder / f'train/{kind}/{i}.png'),
                        rng.integers(0, high, shape).astype(dtype))
    return sorted((folder / 'train/depth').iterdir())


def read_images(folder, *steps):
    """The option of a training set of :func:`write_images`."""
    pipeline = [dict(type='LoadModalities'), dict(type='LoadCheckedAnnotations'),
                dict(type='StackModalities'), *steps, dict(type='PackModalities')]
    return {'train_dataloader.dataset': dict(
        _delete_=True, type='RGBXDataset', data_root=str(folder / 'data'), pipeline=pipeline,
        metainfo=dict(classes=('wall', 'floor', 'cabinet', 'bed')),
        modalities=dict(rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
                        depth=dict(folder='{split}/depth', suffix='.png', channels=1)))}


FLIP = dict(type='mmseg.RandomFlip', prob=0.5)


def test_the_teachers_files_are_not_read_where_its_outputs_are(train, tmp_path, forwards):
    files = write_images(tmp_path / 'data')
    data = read_images(tmp_path, FLIP)
    first = train('first', epochs=2, **data, **cache(tmp_path, views=2))
    times = [path.stat().st_mtime_ns for path in files]
    for path, time in zip(files, times, strict=True):
        path.write_bytes(b'?' * path.stat().st_size)
        os.utime(path, ns=(time, time))
    assert equal(first, train('second', epochs=2, **data, **cache(tmp_path, views=2)))
    # A file that has changed, of the teacher or of labels, by which crops are chosen.
    for path in (tmp_path / 'data/train/label/0.png', files[0]):
        os.utime(path)
        with pytest.raises(ValueError, match=r'depth/\d\.png cannot be decoded'):
            train('third', epochs=2, **data, **cache(tmp_path, views=2))


def test_images_that_are_padded_to_others_of_their_batch_are_refused(train, tmp_path):
    write_images(tmp_path / 'data', heights=(32, 48))
    with pytest.raises(ValueError, match=r"'depth' is \(1, \d\d, 32\) in one sample and \(1, \d\d, "
                                         r'32\) in another: .*Resize \(keep_ratio=False\) or crop'):
        # In one batch, so that no map of the teacher is of another shape.
        train('run', 'kd', epochs=1, **read_images(tmp_path, FLIP),
              **{'train_dataloader.batch_size': 10}, **cache(tmp_path))


def test_a_divisor_pads_images_alike_in_every_batch(train, tmp_path, forwards):
    write_images(tmp_path / 'data', heights=(33,))
    options = {**read_images(tmp_path, FLIP), 'model.data_preprocessor.size_divisor': 32}
    for batch in (4, 5):
        train(f'batch{batch}', 'kd', epochs=1, **options,
              **{'train_dataloader.batch_size': batch}, **cache(tmp_path))
    assert forwards == [4, 4, 2]


@pytest.mark.parametrize('loss', ['a bit', 'all'])
@pytest.mark.parametrize('workers', [0, 1])
def test_what_is_lost_in_the_middle_of_a_run_is_read_again(loss, workers, train, tmp_path, forwards,
                                                           monkeypatch):
    """Though the files of the teacher's modality are not read any more."""
    write_images(tmp_path / 'data')
    options = {**read_images(tmp_path, FLIP), **cache(tmp_path, dtype='float32'),
               'train_dataloader.num_workers': workers}
    whole = train('whole', **options)
    path, = (tmp_path / 'kept').glob('*/feat.bin')
    content = path.read_bytes()

    class Losing(Hook):
        def after_train_epoch(self, runner):
            if runner.epoch == 0:
                path.write_bytes(bytes(len(content)) if loss == 'all' else
                                 content[:10] + bytes([content[10] ^ 1]) + content[11:])

    monkeypatch.setitem(HOOKS.module_dict, 'Losing', Losing)
    del forwards[:]
    assert equal(whole, train('second', **options, custom_hooks=[dict(type='Losing')]))
    # The batch of the first sample alone; or two, and of the next epoch those of samples that these
    # have left out.
    assert forwards == [4] or loss == 'all' and set(forwards) == {4} and 2 < len(forwards) <= 4
    log, = (tmp_path / 'second').glob('*/*.log')
    assert log.read_text().count('was whole when the epoch began, and is not any more') == 1


def test_two_processes_compute_all_before_a_training(train, tmp_path, forwards):
    options = cache(tmp_path, views=3)
    expected = train('first', still=False, **options)
    shutil.rmtree(tmp_path / 'kept')
    done = run(sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node', '2',
               '--master_port', str(free_port()), '-m', 'mmfkd', 'cache', tmp_path / 'first.py',
               '--launcher', 'pytorch', cwd=tmp_path)
    assert "teacher 'teacher', view 3 of 3: 5 of 10 samples computed" in done.stdout + done.stderr
    del forwards[:]
    found = train('second', still=False, **options)
    assert not forwards
    # A sample is computed beside others than in the training: equal but for the last bits.
    assert all(torch.allclose(found[key], expected[key], atol=1e-3) for key in expected
               if expected[key].is_floating_point())


@pytest.mark.parametrize(('options', 'message'), [
    (dict(views=0), r'cache\.views=0: give a number from 1'),
    (dict(views=True), r'cache\.views=True: give a number from 1'),
    (dict(view=2), 'cache of a teacher: view is none of folder, views, dtype, seed, limit'),
    (dict(seed=-1), r'cache\.seed=-1: give a whole number from 0'),
    (dict(limit=0), r'cache\.limit=0: give a number of GiB above 0'),
    (dict(dtype='int8'), r"cache\.dtype='int8': choose float16"),
    (dict(limit=1e-9), r'more than cache\.limit=1e-09: take fewer cache\.views')])
def test_bad_caches_are_refused(options, message, train, tmp_path):
    with pytest.raises(ValueError, match=message):
        train('run', **cache(tmp_path, **options))


def test_workers_that_outlive_an_epoch_are_refused(train, tmp_path):
    with pytest.raises(ValueError, match='train_dataloader.persistent_workers=False'):
        train('run', **{'train_dataloader.num_workers': 1,
                        'train_dataloader.persistent_workers': True}, **cache(tmp_path))


def test_workers_load_the_same_views(train, tmp_path, forwards):
    alone = train('alone', still=False, epochs=2, **cache(tmp_path, views=2))
    del forwards[:]
    beside = train('beside', still=False, epochs=2, **{'train_dataloader.num_workers': 2},
                   **cache(tmp_path, views=2))
    assert equal(alone, beside) and not forwards


def test_the_limit_is_of_all_taps_and_of_all_views(train, tmp_path):
    train('first', epochs=1, **cache(tmp_path))
    size = sum(path.stat().st_size for path in (tmp_path / 'kept').rglob('*.bin')) / 2 ** 30
    with pytest.raises(ValueError, match='more than cache.limit'):
        train('kd', 'kd', epochs=1, **cache(tmp_path, limit=size * 1.01))
    with pytest.raises(ValueError, match='more than cache.limit'):
        train('views', epochs=2, **cache(tmp_path, views=2, limit=size * 1.5))


def test_a_damaged_description_is_written_anew(train, tmp_path, forwards):
    train('first', epochs=1, **cache(tmp_path))
    path, = (tmp_path / 'kept').glob('*/feat.json')
    whole = path.read_text()
    path.write_text(whole[:10])
    train('second', epochs=1, **cache(tmp_path))
    assert path.read_text() == whole and len(forwards) > 3


def test_a_look_at_other_taps_computes_them(train, tmp_path, forwards):
    plain = train('plain', 'kd', epochs=2)
    options = cache(tmp_path, dtype='float32')
    look = {'custom_hooks': [dict(type='FeatureSimilarityHook', interval=2)]}
    for name in ('cold', 'warm'):
        del forwards[:]
        assert equal(plain, train(name, 'kd', epochs=2, **look, **options))
        assert forwards == ([4, 4, 4, 2, 4] if name == 'cold' else [4, 4])


def test_a_config_that_a_run_has_written_takes_the_views_that_are_asked_for(tmp_path):
    cfg = load_config('kd/synthetic_depth2rgb', {
        f'{TEACHER}.cache': dict(views='all'), 'train_cfg.max_epochs': 3})
    dataset = cfg.train_dataloader.dataset.to_dict()
    assert use_views(cfg) and cfg.train_dataloader.dataset.views == 3
    cfg.dump(tmp_path / 'written.py')
    for options, views in (({}, 3), ({'train_cfg.max_epochs': 12}, 12),
                           ({f'{TEACHER}.cache.views': 8}, 8), ({f'{TEACHER}.cache': None}, None)):
        again = load_config(tmp_path / 'written.py', options)
        assert use_views(again) == (views is not None)
        found = again.train_dataloader.dataset
        assert found.get('views') == views
        assert (found.dataset if views else found).to_dict() == dataset


def test_a_run_with_a_cache_does_not_differ_from_its_own_config(tmp_path):
    options = {f'{TEACHER}.cache': dict(views=3)}
    cfg = load_config('kd/synthetic_depth2rgb', options)
    use_views(cfg)
    cfg.dump(tmp_path / 'written.py')
    assert differences(tmp_path, load_config('kd/synthetic_depth2rgb', options)) == []
    other = {f'{TEACHER}.cache': dict(views=4)}
    assert differences(tmp_path, load_config('kd/synthetic_depth2rgb', other)) == [
        f'{TEACHER}.cache.views=3, and now 4']


def test_a_folder_that_cannot_be_made_is_named(train, tmp_path):
    (tmp_path / 'kept').write_text('a file')
    with pytest.raises(OSError, match=r'kept/\w+ cannot be made .*cache\.folder of the teacher'):
        train('run', **cache(tmp_path))


@pytest.mark.parametrize(('name', 'message'), [
    ('kd/synthetic_depth2rgb', 'add --cfg-options model.teachers.teacher.cache.views=8'),
    ('dml/synthetic_depth2rgb', 'it has no frozen teacher, and what a student says changes'),
    ('unimodal/synthetic_rgb', 'it has no frozen teacher')])
def test_what_cannot_be_kept_before_a_training_is_said(name, message):
    with pytest.raises(SystemExit, match=f'no teacher has a cache: {message}'):
        main([name])
