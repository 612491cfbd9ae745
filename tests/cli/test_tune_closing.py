"""The closing message of mmfkd tune, and what it trains before the trials."""

import pytest
from runs import ROOT

from mmfkd.cli import recommend, tune
from mmfkd.cli.tune import main
from mmfkd.tuning import Tuned


@pytest.mark.parametrize('amp', [[], ['--amp']])
def test_the_closing_command_trains_as_the_trials_were(amp, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr('mmfkd.cli.tune.search', lambda args: Tuned({}, {}, 1.0, {}, 1, 0))
    path = tmp_path / 'found.py'
    main(['synthetic_depth2rgb', 'kd', '-o', str(path), *amp])
    closing = capsys.readouterr().out.splitlines()[-1]
    assert closing == ' '.join([f'train it with: mmfkd train {path}', *amp])


@pytest.mark.parametrize(('method', 'expected'), [
    ('kd', ['synthetic_depth']), ('c2kd', ['synthetic_depth']), ('dml', []), ('unimodal', [])])
def test_only_networks_that_trials_start_from_are_trained_before(method, expected):
    args = tune.parse_args(['synthetic_depth2rgb', method, '--seeds', '3', '4'])
    assert [(cell.leaf, cell.seed) for cell in tune.teachers(args)] == [
        (leaf, seed) for seed in (3, 4) for leaf in expected]


@pytest.mark.parametrize('parse, arguments', [
    (tune.parse_args, ['synthetic_depth2rgb', 'kd']),
    (recommend.parse_args, ['synthetic_depth2rgb'])])
def test_a_seed_that_is_named_twice_is_refused(parse, arguments, capsys):
    with pytest.raises(SystemExit):
        parse([*arguments, '--seeds', '1', '1'])
    assert '--seeds: 1 is named twice' in capsys.readouterr().err
