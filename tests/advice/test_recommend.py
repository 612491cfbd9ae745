"""mmfkd recommend: what it measures, and what it says."""

import json
import re
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from runs import ROOT

from mmfkd.advice import Agreement, Findings, Share, sentences, suggestions
from mmfkd.advice.findings import agreement, ratios, right_by, similarity
from mmfkd.cli import benchmark
from mmfkd.cli.options import chosen_workers
from mmfkd.cli.recommend import main
from mmfkd.config import Pair, compose

PAIR = Pair.parse('synthetic_depth2rgb')
METHODS = ['afd', 'c2kd', 'fdkd', 'kd', 'recommended', 'transfer']  # all would take a minute
SMALL = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=4',
         'default_hooks.prediction_panel=None',
         *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
             'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0'))]


@pytest.mark.parametrize('shape', [(40,), (2, 5, 5)])
def test_who_is_right_is_counted_one_by_one(shape):
    classes = 4
    maps = [torch.randn(shape[0], classes, *shape[1:]) for _ in range(2)]
    labels = torch.randint(0, classes, shape)
    labels.view(-1)[::7] = 255
    expected = [0, 0, 0, 0]
    rows = [x.movedim(1, -1).reshape(-1, classes) for x in maps]
    for own, other, label in zip(*rows, labels.flatten(), strict=True):
        if label != 255:
            right = (own.argmax() == label, other.argmax() == label)
            expected[[(True, True), (False, True), (True, False), (False, False)].index(
                tuple(map(bool, right)))] += 1
    assert right_by(*maps, labels).tolist() == expected and min(expected) > 0


def test_one_logit_is_right_by_the_threshold_of_its_head():
    # mmseg's is 0.3: 38 % is the second class.
    logits, labels = torch.full((1, 1, 2, 2), -0.5), torch.ones(1, 2, 2, dtype=torch.long)
    assert right_by(logits, logits, labels).tolist() == [0, 0, 0, 4]
    assert right_by(logits, logits, labels, (0.3, None)).tolist() == [0, 0, 4, 0]
    head = SimpleNamespace(out_channels=1, threshold=0.3)
    branch = SimpleNamespace(model=SimpleNamespace(decode_head=head))
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    model = SimpleNamespace(
        tap_keys=['student.logits', 'teacher.logits'], training=False, eval=lambda: None,
        train=lambda mode: None, branches=dict(student=branch, teacher=branch),
        data_preprocessor=lambda batch, training: dict(inputs={}, data_samples=[sample]),
        features=lambda inputs, keys: dict.fromkeys(keys, logits))
    assert agreement(model, [None]).both == 1


@pytest.fixture(scope='module')
def looked(tmp_path_factory):
    """The command on a teacher and a baseline that it trains itself."""
    folder, said = tmp_path_factory.mktemp('recommend'), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.chdir(folder)
        patch.setattr('mmfkd.advice.findings.methods', lambda: METHODS)
        main(['synthetic_depth2rgb', '--cfg-options', *SMALL])
    return folder, said.getvalue()


def test_the_command_trains_both_and_says_what_is_worth_a_run(looked):
    folder, said = looked
    scores = {name: json.loads((folder / f'work_dirs/benchmark/unimodal/synthetic_{name}/seed0/'
                                'summary.json').read_text())['val'] for name in ('depth', 'rgb')}
    assert ('networks that are trained first, in work_dirs/benchmark: synthetic_depth (seed 0), '
            'synthetic_rgb (seed 0)' in said)
    assert f'depth has {scores["depth"]:.1f} and rgb alone {scores["rgb"]:.1f}' in said
    assert re.search(r'points, on \d+ samples', said)
    assert 'Worth a run:\n1. ' in said and 'recommended' in said
    for method in ('afd', 'kd', 'fdkd', 'recommended'):
        assert f'│ {method} ' in said
    assert '- c2kd: its gradient is not measured, as two students learn there' in said
    assert '│ c2kd ' not in said


def test_a_share_is_proportional_to_the_weight(looked, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = looked[0] / 'work_dirs/benchmark/unimodal'
    teacher, student = (folder / f'synthetic_{name}/seed0' for name in ('depth', 'rgb'))
    found = []
    for weight in (1.0, 4.0):
        torch.manual_seed(0)
        np.random.seed(0)
        cfg = compose(PAIR, 'kd')
        cfg.model.losses.loss_kd.weight = weight
        cfg.train_dataloader.update(batch_size=4, num_workers=0)
        cfg.train_dataloader.dataset.update(num_scenes=8, size=(32, 32))
        found.append(ratios(cfg, teacher, student, 1)['loss_kd'])
    assert found[1] == pytest.approx(4 * found[0], rel=1e-4)
    balanced = compose(PAIR, 'recommended')
    balanced.model.losses.loss_kd.balance.ratio = 0.5
    balanced.train_dataloader.update(batch_size=4, num_workers=0)
    balanced.train_dataloader.dataset.update(num_scenes=8, size=(32, 32))
    assert ratios(balanced, teacher, student, 1) == dict(loss_kd=0.5, loss_fdkd=1.0)


def test_batches_without_a_label_measure_nothing(looked, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = looked[0] / 'work_dirs/benchmark/unimodal'
    teacher, student = (folder / f'synthetic_{name}/seed0' for name in ('depth', 'rgb'))
    cfg = compose(PAIR, 'kd')
    cfg.train_dataloader.update(batch_size=4, num_workers=0)
    cfg.train_dataloader.dataset.update(num_scenes=40, size=(32, 32), labels=0.03)
    assert ratios(cfg, teacher, student, 1)['loss_kd'] != 1  # of the one batch with a label
    cfg = compose(PAIR, 'kd')
    cfg.train_dataloader.update(batch_size=4, num_workers=0)
    cfg.train_dataloader.dataset.update(num_scenes=8, size=(32, 32), labels='none')
    with pytest.raises(ValueError, match='no training sample has a label'):
        ratios(cfg, teacher, student, 1)


FOUND = Findings(
    PAIR, teacher=70.0, student=60.0, agreement=Agreement(0.5, 0.2, 0.1, 0.2, spread=0.3),
    cka=dict(feat=dict(raw=0.4, low=0.5, high=0.3)),
    shares=[Share('kd', 'loss_kd', 0.5), Share('afd', 'loss_afd', 80.0),
            Share('fdkd', 'loss_fdkd', 1.0), Share('pkd', 'loss_pkd', 2.0),
            Share('dist', 'loss_dist', 0.02), Share('recommended', 'loss_kd', 1.0)],
    missing=dict(nkd='it has nothing on two classes'), classes=6, samples=100)


def test_the_findings_in_words():
    said = '\n'.join(sentences(FOUND))
    assert 'depth has 70.0 and rgb alone 60.0: a gap of +10.0 points, on 100 samples' in said
    assert 'the teacher gets 50% right; of what it gets right, the teacher gets 17% wrong' in said
    assert 'low frequencies (0.50) are more alike than their high ones (0.30)' in said
    assert 'loss_afd has 80 times the gradient of the task and would drown it; take afd-b' in said
    assert 'loss_dist has 0.02 of the gradient of the task and would do next to nothing' in said
    assert 'nkd: it has nothing on two classes' in said
    assert 'about equal' not in said and 'kd: at its default weight loss_kd' not in said


def test_suggestions_follow_the_findings():
    names = [suggestion.method for suggestion in suggestions(FOUND)]
    assert names == ['recommended', 'kd', 'fdkd', 'dist-balanced']
    high = replace(FOUND, cka=dict(feat=dict(raw=0.4, low=0.3, high=0.5)), classes=2)
    assert [one.method for one in suggestions(high)] == ['recommended', 'kd', 'pkd']
    weaker = replace(FOUND, teacher=60.5)
    assert suggestions(weaker)[0].method == 'transfer'
    assert 'look at synthetic_rgb2depth, the other direction' in '\n'.join(sentences(weaker))


@pytest.mark.parametrize(('teacher', 'spread', 'samples', 'words'), [
    (60.5, 0.01, 100, 'They are about equal, as gaps of less than 1.0 points may be chance'),
    (65.0, 0.1, 4, 'They are about equal, as gaps of less than 10.0 points may be chance'),
    (65.0, None, 1, 'They are about equal, as one sample tells no gap from chance'),
    (50.0, 0.01, 100, 'The teacher is worse than what it is to teach')])
def test_a_gap_within_the_noise_is_about_equal(teacher, spread, samples, words):
    near = replace(FOUND, teacher=teacher, samples=samples,
                   agreement=replace(FOUND.agreement, spread=spread))
    assert f'{words}: do not count on a gain' in '\n'.join(sentences(near))


@pytest.mark.parametrize(('arguments', 'message'), [
    (['moon_a2b'], 'unimodal/moon_b does not exist'), (['synthetic'], 'A teaches B')])
def test_a_pair_that_is_none_is_named(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        main(arguments)


def test_a_metric_of_which_less_is_better_is_refused_before_a_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"checkpoint\.rule of unimodal on .* is 'less' for "
                                         'mIoU'):
        main(['synthetic_depth2rgb', '--cfg-options', 'default_hooks.checkpoint.rule=less'])
    assert not (tmp_path / 'work_dirs').exists()


def test_a_budget_for_no_method_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr('mmfkd.cli.recommend.find', lambda args: FOUND)
    with pytest.raises(SystemExit, match='--run 2 is less than one method with the 3 seeds 0 1 2'):
        main(['synthetic_depth2rgb', '--run', '2'])


def test_the_budget_runs_the_first_suggestions(monkeypatch):
    called = []
    monkeypatch.setattr('mmfkd.cli.recommend.find', lambda args: FOUND)
    monkeypatch.setattr('mmfkd.cli.benchmark.main', called.append)
    main(['synthetic_depth2rgb', '--run', '7', '--amp', '--gpus', '0', '1', '--threads', '2',
          '--cfg-options', 'train_cfg.max_epochs=3'])
    arguments, = called
    chosen = arguments[arguments.index('--methods') + 1:arguments.index('--seeds')]
    assert chosen == ['unimodal', 'recommended', 'kd']
    assert arguments[-2:] == ['--cfg-options', 'train_cfg.max_epochs=3']
    workers = chosen_workers(benchmark.parse_args(arguments))
    assert (workers.amp, workers.gpus, workers.threads) == (True, ['0', '1'], 2)


def test_maps_and_tokens_are_compared_too():
    """An image teaches a text: a map of one network, tokens of the other."""
    drawn = torch.randn(12, 6)
    feats = {'student.layer1': drawn[:, :, None, None].expand(12, 6, 3, 3),
             'teacher.layer1': drawn[:, None].expand(12, 5, 6)}
    model = SimpleNamespace(
        tap_keys=list(feats), training=False, eval=lambda: None, train=lambda mode: None,
        data_preprocessor=lambda batch, training: dict(inputs={}, data_samples=[None] * 12),
        features=lambda inputs, keys: feats)
    found = similarity(model, [None])
    assert found == dict(layer1={band: pytest.approx(1.0) for band in ('raw', 'low', 'high')})
