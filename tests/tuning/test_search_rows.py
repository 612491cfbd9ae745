"""Searches of presets and of rows that fix values: what they search, and where they are kept."""

import pytest
from runs import ROOT

from mmfkd.benchmark import Row, Workers
from mmfkd.benchmark.grid import config_of
from mmfkd.config import fits, method_file, methods
from mmfkd.tuning import options_of, space_of, tuned_rows
from mmfkd.tuning.space import fitting, searchable
from mmfkd.tuning.study import Search, open_study

PAIR = 'synthetic_depth2rgb'
LOSS = 'model.losses.loss_fdkd'


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def score_one(monkeypatch):
    """Trials that train nothing."""
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)


@pytest.mark.parametrize('pair', [PAIR, 'avdigits_visual2audio'])
def test_the_config_of_every_preset_takes_each_value_that_is_searched(pair):
    for name in [each for method in methods() for each in (method, *(
            f'{method}-{preset}' for preset in method_file(method)[0].get('presets', {})))]:
        cfg = config_of(name, pair)
        for dimension in searchable(fitting(space_of(name), pair), cfg, ()):
            value = dimension.choices[0] if dimension.choices else dimension.low
            for key, option in options_of({dimension.key: value}, cfg).items():
                assert fits(cfg, key, option), (name, key)


def test_a_preset_that_does_not_balance_is_tuned_without(tmp_path, score_one):
    found = Search(PAIR, 'fdkd-paper', [0], tmp_path, report=lambda line: None).run(1)
    assert set(found.values) == {f'{LOSS}.low_weight', f'{LOSS}.high_weight', 'lr_factor'}


def searched(name, fixed=()):
    return {one.key.removeprefix('model.losses.loss_'): one.choices or (one.low, one.high)
            for one in searchable(space_of(name), config_of(name, PAIR), fixed)}


def test_a_weight_is_searched_where_there_is_no_balance():
    for name in ('kd', 'kd-paper'):
        assert searched(name)['kd.weight'] == (0.1, 10.0)
        assert 'kd.balance.ratio' not in searched(name)
    assert searched('kd-balanced')['kd.balance.ratio'] == (0.1, 10.0)
    assert 'kd.weight' not in searched('kd-balanced')
    assert searched('pkd')['pkd.weight'] == pytest.approx((0.6, 60.0))
    assert searched('ofd-paper')['ofd.weight'] == pytest.approx((1e-6, 1e-4))  # of segmentation
    assert set(searched('dml')) == {'dml.weight', 'dml_peer.weight', 'lr_factor'}
    assert set(searched('dml-balanced')) == {
        'dml.balance.ratio', 'dml_peer.balance.ratio', 'lr_factor'}
    for fixed in ('balance', 'weight'):
        assert not [key for key in searched('kd', [f'model.losses.loss_kd.{fixed}'])
                    if key.startswith(('kd.weight', 'kd.balance'))]


def test_a_weight_that_warms_up_is_searched_where_it_ends():
    assert searched('reviewkd')['default_hooks.reviewkd_warm_up.stop'] == (0.1, 10.0)
    assert set(searched('reviewkd-balanced')) == {'reviewkd.balance.ratio', 'lr_factor'}
    assert 'default_hooks.dkd_warm_up.stop' in searched('dkd-paper')
    assert set(searched('dkd')) == {'dkd.weight', 'dkd.temperature', 'dkd.rest_weight', 'lr_factor'}


@pytest.mark.parametrize('fixed, left', [
    ({f'{LOSS}.low_weight': 0}, {f'{LOSS}.balance.ratio', 'lr_factor'}),
    ({f'{LOSS}.balance': dict(ratio=2.0)}, {f'{LOSS}.low_weight', 'lr_factor'}),
    ({'optim_wrapper.optimizer.lr': 0.1}, {f'{LOSS}.low_weight', f'{LOSS}.balance.ratio'})])
def test_what_a_row_fixes_is_not_searched(fixed, left):
    space = searchable(space_of('fdkd'), config_of('fdkd', PAIR), fixed)
    assert {dimension.key for dimension in space} == left


def test_rows_of_one_method_have_searches_of_their_own(tmp_path, score_one):
    rows = [Row('fdkd-high', 'fdkd', {f'{LOSS}.low_weight': 0}), Row('fdkd', 'fdkd')]
    base, high, whole = tuned_rows(rows, [PAIR], 1, [1000], tmp_path, Workers(), lambda line: None)
    assert high.options[f'{LOSS}.low_weight'] == 0 and high.options[f'{LOSS}.balance.ratio'] > 0
    assert whole.options[f'{LOSS}.low_weight'] > 0
    assert base.name == 'unimodal-tuned' and base.against is None
    assert high.against == whole.against == base
    for name in ('fdkd-high', 'fdkd'):
        assert len(open_study(tmp_path, f'{name}/{PAIR}', None).trials) == 1
        assert (tmp_path / f'trials/{name}-{PAIR}/0000').is_dir()


def test_a_row_takes_the_best_of_as_many_trials_as_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda cell, *args: float(
        cell.row.name.rpartition('/')[2]))  # each trial is better than the one before
    longer = Search(PAIR, 'kd', [1000], tmp_path, report=lambda line: None).run(9)
    assert (longer.score, longer.finished) == (8.0, 9)
    said = []
    tuned = tuned_rows([Row('kd', 'kd')], [PAIR], 3, [1000], tmp_path, Workers(), said.append)[1]
    study = open_study(tmp_path, f'kd/{PAIR}', None)
    assert tuned.options == options_of(study.trials[2].params, config_of('kd', PAIR))
    assert len(study.trials) == 9 and f'kd on {PAIR}: the best of its first 3 trials counts, ' in (
        said[-1])
    assert Search(PAIR, 'kd', [1000], tmp_path, report=lambda line: None).run(3).score == 8.0


def test_a_number_that_a_schedule_moves_is_not_searched(tmp_path, score_one):
    found = Search(PAIR, 'reviewkd-paper', [0], tmp_path, report=lambda line: None).run(1)
    assert set(found.values) == {'default_hooks.reviewkd_warm_up.stop', 'lr_factor'}


def drawn(study, count):
    """Values of further trials."""
    found = []
    for _ in range(count):
        trial = study.ask()
        found.append(tuple(dimension.suggest(trial) for dimension in space_of('kd')))
        study.tell(trial, 1.0 + trial.number % 3)
    return found


def test_a_search_that_goes_on_draws_what_one_without_a_stop_does(tmp_path):
    whole = drawn(open_study(tmp_path / 'whole', 'kd', None), 8)
    parts = [values for _ in range(4) for values in drawn(
        open_study(tmp_path / 'parts', 'kd', None), 2)]
    assert whole == parts and len(set(whole)) == 8


def test_values_of_one_trial_do_not_move_together(tmp_path):
    study = open_study(tmp_path, 'kd', None)
    trials = [study.ask() for _ in range(5)]
    first, second = ([trial.suggest_float(name, 0, 1) for trial in trials] for name in 'ab')
    assert len(set(first)) == 5 and first != second


def test_two_processes_at_a_time_draw_other_values(tmp_path):
    studies = [open_study(tmp_path, 'kd', None) for _ in range(2)]
    trials = [study.ask() for study in studies]
    assert len({tuple(dimension.suggest(trial) for dimension in space_of('kd'))
                for trial in trials}) == 2
