"""Which cells a table has, and the commands that train them."""

import json
from pathlib import Path

import pytest

from mmfkd.benchmark import Cell, Row, plan, preset, score
from mmfkd.benchmark.grid import applies, baselines
from mmfkd.benchmark.presets import PAPER_METHODS, label, label_rows, method_rows
from mmfkd.config import compose, methods, parse_value

ROOT = Path(__file__).parents[2]
PAIR = 'avdigits_visual2audio'


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def options_of(command):
    """The ``--cfg-options`` of a command, as argparse reads them."""
    given = command[command.index('--cfg-options') + 1:]
    return {key: parse_value(value)
            for key, value in (part.split('=', 1) for part in given)}


def test_a_table_has_each_baseline_once_and_before_the_methods(tmp_path):
    pairs = (PAIR, 'avdigits_audio2visual')
    cells = plan(pairs, method_rows(['unimodal', 'kd', 'dkd']), (0, 1), tmp_path)
    names = [(cell.row.name, cell.leaf, cell.seed) for cell in cells]
    assert len(names) == len(set(names)) == 2 * 2 + 2 * 2 * 2
    assert {name for name in names[:4]} == {
        ('unimodal', leaf, seed) for leaf in ('avdigits_audio', 'avdigits_visual')
        for seed in (0, 1)}
    assert all(name[0] != 'unimodal' for name in names[4:])


def test_baselines_are_planned_for_methods_alone_too(tmp_path):
    cells = plan([PAIR], method_rows(['kd']), (0,), tmp_path)
    assert [cell.row.name for cell in cells] == ['unimodal', 'unimodal', 'kd']


@pytest.mark.parametrize(('method', 'branch'), [('kd', 'teachers'), ('c2kd', 'students')])
def test_weights_come_from_the_baseline_of_the_same_seed(method, branch, tmp_path):
    cell = Cell(Row(method, method), PAIR, 7, tmp_path)
    options = options_of(cell.command({}, amp=False))
    folder = tmp_path / 'unimodal/avdigits_visual/seed7'
    assert options == {'randomness.seed': 7, f'model.{branch}.teacher.checkpoint': str(folder)}
    assert [teacher.work_dir for teacher in cell.teachers()] == [folder]
    assert cell.config.model[branch].teacher.checkpoint == 'auto'


def test_mutual_learning_and_baselines_need_no_weights(tmp_path):
    for method, leaf in (('dml', PAIR), ('unimodal', 'avdigits_audio')):
        cell = Cell(Row(method, method), leaf, 0, tmp_path)
        assert cell.teachers() == []
        assert options_of(cell.command({}, amp=False)) == {'randomness.seed': 0}


def test_a_command_resumes_and_options_of_the_row_win(tmp_path):
    row = Row('half', 'fdkd', {'model.losses.loss_fdkd.low_weight': 0.5})
    command = Cell(row, PAIR, 0, tmp_path).command(
        {'train_cfg.max_epochs': 2, 'model.losses.loss_fdkd.low_weight': 3}, amp=True)
    assert '--resume' in command and '--amp' in command
    assert command[command.index('--work-dir') + 1] == str(tmp_path / f'half/{PAIR}/seed0')
    options = options_of(command)
    assert options['train_cfg.max_epochs'] == 2
    assert options['model.losses.loss_fdkd.low_weight'] == 0.5


@pytest.mark.parametrize('name', ['table1', 'table2', 'table3', 'table4', 'figure5'])
def test_presets_have_configs_and_options_that_the_configs_know(name, tmp_path):
    rows, pairs = preset(name)
    cells = plan(pairs, rows, (0,), tmp_path)
    assert len({cell.work_dir for cell in cells}) == len(cells)
    for row in rows:
        for key in row.options:
            loss = compose(pairs[0], row.method).model.losses.loss_fdkd
            assert key.startswith('model.losses.loss_fdkd.')
            own = key.rpartition('.')[2]
            assert own in loss or own in ('standardize', 'log')


def test_tables_one_and_two_have_the_papers_methods():
    for name, pairs in (('table1', 8), ('table2', 2)):
        rows, found = preset(name)
        assert [row.name for row in rows] == list(PAPER_METHODS) and len(found) == pairs
    assert len(PAPER_METHODS) == 12
    assert {'unimodal', *methods()} - {name.removesuffix('-paper') for name in PAPER_METHODS} == {
        'rkd', 'reviewkd', 'nkd_yang', 'recommended', 'transfer'}
    # At the authors' weights: what differs from them by default is named with its preset.
    assert compose(PAIR, 'fdkd-paper').model.losses.loss_fdkd.balance is None
    assert {name for name in PAPER_METHODS if '-' in name} == {'fdkd-paper', 'dkd-paper'}


def test_figure_five_has_every_pair_of_weights_once():
    rows, _ = preset('figure5')
    weights = {(row.options.get('model.losses.loss_fdkd.low_weight', 1),
                row.options.get('model.losses.loss_fdkd.high_weight', 1))
               for row in rows if row.method == 'fdkd-paper'}
    assert weights == {(low, high) for low in (0.5, 1, 3, 5) for high in (0.5, 1, 3, 5)}


def test_rows_without_the_shared_classifiers_are_left_out_where_there_are_none(tmp_path):
    rows, _ = preset('table3')
    align = next(row for row in rows if row.name == 'fdkd-freq-align')
    assert applies(align, PAIR) and not applies(align, 'ombria96_optical2sar')
    names = {cell.row.name for cell in plan(['ombria96_optical2sar'], rows, (0,), tmp_path)}
    assert names == {'unimodal', 'feature', 'fdkd-freq', 'fdkd-freq-scale', 'fdkd-freq-log',
                     'fdkd-paper'}


def test_both_directions_have_each_others_baselines():
    assert baselines(PAIR) == ('avdigits_audio', 'avdigits_visual')
    assert baselines('ombria96_optical2sar') == ('ombria96_sar', 'ombria96_optical')


@pytest.mark.parametrize('pair', ['avdigits', 'avdigits_audio', 'visual2audio', 'avdigits_2audio'])
def test_a_pair_says_who_teaches_whom(pair):
    with pytest.raises(ValueError, match='A teaches B'):
        baselines(pair)


def test_a_pair_without_configs_is_named(tmp_path):
    with pytest.raises(ValueError, match='unimodal/moon_b does not exist'):
        plan(['moon_a2b'], method_rows(['kd']), (0,), tmp_path)
    with pytest.raises(ValueError, match="preset 'table9'"):
        preset('table9')


def test_shares_of_labels_are_rows_of_their_own(tmp_path):
    rows = label_rows(method_rows(['unimodal', 'kd']), [0, 0.1, 1])
    assert [(row.name, row.against and row.against.name) for row in rows] == [
        ('unimodal-labels0.1', None), ('unimodal', None), ('kd-labels0', None),
        ('kd-labels0.1', 'unimodal-labels0.1'), ('kd', None)]
    cells = plan([PAIR], rows, (0,), tmp_path)
    found = {(cell.row.name, cell.leaf) for cell in cells}
    assert found == {('unimodal', 'avdigits_audio'), ('unimodal', 'avdigits_visual'),
                     ('unimodal-labels0.1', 'avdigits_audio'), ('kd-labels0', PAIR),
                     ('kd-labels0.1', PAIR), ('kd', PAIR)}
    command = next(cell for cell in cells if cell.row.name == 'kd-labels0.1').command({}, False)
    assert 'train_dataloader.dataset.labels=0.1' in command
    assert label('kd-labels0.1') == 'KD, 10% of labels'
    assert label('reviewkd-balanced') == 'ReviewKD, balanced'


def test_the_baseline_at_a_share_is_planned_for_methods_alone_too(tmp_path):
    cells = plan([PAIR], label_rows(method_rows(['kd']), [0.1]), (0,), tmp_path)
    baseline = next(cell for cell in cells if cell.row.name == 'unimodal-labels0.1')
    assert baseline.leaf == 'avdigits_audio'
    assert 'train_dataloader.dataset.labels=0.1' in baseline.command({}, False)
    assert len(cells) == 4


def test_no_two_rows_have_one_label():
    names = [f'{method}{preset}' for method in ('unimodal', *methods())
             for preset in ('', '-paper', '-balanced', '-tuned', '-labels0.1', '-labels0')]
    variants = [row.name for name in ('table1', 'table3', 'table4', 'figure5')
                for row in preset(name)[0]]
    labels = [label(name) for name in dict.fromkeys([*names, *variants])]
    assert len(set(labels)) == len(labels) > 90


def test_a_share_is_compared_with_the_baseline_at_that_share(tmp_path):
    for name, leaf, test in (('unimodal', 'avdigits_audio', 80.0), ('kd-labels0', PAIR, 70.0),
                             ('unimodal-labels0.1', 'avdigits_audio', 50.0),
                             ('kd-labels0.1', PAIR, 65.0)):
        folder = tmp_path / name / leaf / 'seed0'
        folder.mkdir(parents=True)
        (folder / 'summary.json').write_text(json.dumps(dict(val=1, test={'accuracy/top1': test})))
    rows = {row.name: row for row in label_rows(method_rows(['unimodal', 'kd']), [0, 0.1, 1])}
    gains = {name: score(rows[name], PAIR, (0,), tmp_path).gains.get(0) for name in (
        'kd-labels0', 'kd-labels0.1')}
    assert gains == {'kd-labels0': -10.0, 'kd-labels0.1': 15.0}
