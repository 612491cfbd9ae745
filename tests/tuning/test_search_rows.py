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
    assert set(found.values) == {f'{LOSS}.low_weight', 'lr_factor'}


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
