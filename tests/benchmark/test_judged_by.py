"""Options that choose the metric of a table or a search."""

import json

import pytest

from mmfkd.benchmark import Cell, Row, read_result
from mmfkd.cli import benchmark, tune

PAIR = 'avdigits_visual2audio'
KEY = 'default_hooks.checkpoint.save_best'
RULE = 'default_hooks.checkpoint.rule'


def test_val_and_test_of_a_run_are_of_the_metric_that_it_selected_by(tmp_path):
    cell = Cell(Row('kd', 'kd'), PAIR, 0, tmp_path)
    cell.work_dir.mkdir(parents=True)
    (cell.work_dir / 'summary.json').write_text(json.dumps(dict(
        val=3.0, test={'accuracy/top1': 1.0, 'accuracy/top5': 2.0},
        options={KEY: 'accuracy/top5'})))
    assert read_result(cell).test == 2.0


@pytest.mark.parametrize('command, arguments', [
    (benchmark.main, ['--pairs', PAIR, '--methods', 'kd']), (tune.main, [PAIR, 'kd'])])
@pytest.mark.parametrize('options', [[f'{RULE}=less'], [f'{RULE}=None', f'{KEY}=val_loss']])
def test_a_metric_of_which_less_is_better_is_refused(command, arguments, options, tmp_path):
    with pytest.raises(SystemExit, match="rule of unimodal on avdigits_audio is 'less' for"):
        command([*arguments, '--root', str(tmp_path), '--cfg-options', *options])
    assert not list(tmp_path.iterdir())


def test_a_metric_without_a_known_rule_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=f"{KEY}=speed: .*: set {RULE} to 'greater'"):
        benchmark.main(['--pairs', PAIR, '--methods', 'kd', '--root', str(tmp_path),
                        '--cfg-options', f'{KEY}=speed', f'{RULE}=None'])
    assert not list(tmp_path.iterdir())
