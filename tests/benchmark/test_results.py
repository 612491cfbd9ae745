"""Scores of a table, from the summaries that trainings write, and the reports of them."""

import csv
import json
import re
from pathlib import Path
from statistics import stdev

import numpy as np
import pytest

from mmfkd.benchmark import Cell, Row, read_result, score
from mmfkd.benchmark.paper import reported
from mmfkd.benchmark.presets import preset
from mmfkd.benchmark.report import Report, plots, weight_grid
from mmfkd.benchmark.results import is_done, spread
from mmfkd.benchmark.tables import table
from mmfkd.evaluation.sample_scores import SAMPLES, write_samples

ROOT = Path(__file__).parents[2]
PAIR, SEEDS = 'avdigits_visual2audio', (0, 1, 2)
SCORES = dict(unimodal_audio=(80.0, 82.0, 84.0), unimodal_visual=(90.0, 92.0, 94.0),
              kd=(86.0, 87.0, 88.0), feature=(79.0, 83.0, 84.0))


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def write(root, name, leaf, seed, test, metric='accuracy/top1', **more):
    folder = root / name / leaf / f'seed{seed}'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'summary.json').write_text(json.dumps(
        dict(val=test + 1, test={metric: test, 'teacher/accuracy/top1': 1.0}, **more)))
    return folder


@pytest.fixture
def runs(tmp_path):
    for seed in SEEDS:
        for modality in ('audio', 'visual'):
            write(tmp_path, 'unimodal', f'avdigits_{modality}', seed,
                  SCORES[f'unimodal_{modality}'][seed], test_maximum=95.0, seconds=1800)
        for method in ('kd', 'feature'):
            write(tmp_path, method, PAIR, seed, SCORES[method][seed], test_maximum=96.0 + seed,
                  seconds=3600)
    return tmp_path


def rows(*names):
    return [Row(name, name) for name in names]


def report(root, names, failures=None, pairs=(PAIR,)):
    return Report(pairs, rows(*names), SEEDS, root, failures or {}, 'python tools/benchmark.py', 60)


def test_a_result_is_what_validation_selected(runs):
    result = read_result(Cell(Row('kd', 'kd'), PAIR, 1, runs))
    assert (result.val, result.test, result.maximum, result.seconds) == (88, 87, 97, 3600)


def test_half_a_summary_is_no_result(runs):
    folder = runs / f'kd/{PAIR}/seed1'
    text = (folder / 'summary.json').read_text()
    (folder / 'summary.json').write_text(text[:-5])
    assert not is_done(folder) and read_result(Cell(Row('kd', 'kd'), PAIR, 1, runs)) is None
    (folder / 'summary.json').write_text(json.dumps(dict(val=1, test={})))
    assert not is_done(folder)


def test_gains_are_by_seed_and_the_gap_is_that_to_the_teachers_baseline(runs):
    kd = score(Row('kd', 'kd'), PAIR, SEEDS, runs)
    assert kd.gains == {0: 6.0, 1: 5.0, 2: 4.0}
    assert kd.recovered == pytest.approx(5 / 10)
    back = score(Row('unimodal', 'unimodal'), PAIR, SEEDS, runs)
    assert back.gains == {} and back.recovered is None
    assert [result.test for result in back.results.values()] == list(SCORES['unimodal_audio'])


def test_no_gap_where_the_teacher_is_the_weaker_one(runs):
    for seed in SEEDS:
        write(runs, 'kd', 'avdigits_audio2visual', seed, 95.0)
    assert score(Row('kd', 'kd'), 'avdigits_audio2visual', SEEDS, runs).recovered is None


def test_missing_seeds_are_left_out_of_the_means(runs):
    (runs / f'kd/{PAIR}/seed0/summary.json').unlink()
    kd = score(Row('kd', 'kd'), PAIR, SEEDS, runs)
    assert list(kd.results) == [1, 2] and kd.gains == {1: 5.0, 2: 4.0}


def test_spread():
    assert spread([1.0, 2.0, 4.0]) == f'2.3 ± {stdev([1, 2, 4]):.1f}'
    assert spread([3.14]) == '3.1' and spread([]) == '-'


def test_a_table_has_the_numbers_by_hand(runs):
    header, lines = table(PAIR, report(runs, ['unimodal', 'kd', 'feature']).scores[PAIR])
    assert header == ['student', 'val accuracy/top1', 'test accuracy/top1',
                      'against unimodal, by seed', '95 %', 'p', 'seeds needed', 'gap recovered',
                      'test by seed', 'official-style, on test']
    # Student's t of gains 6, 5, 4 has 8.66 and p = 0.01307; Holm doubles the smaller of two.
    assert lines[1] == ['KD', '88.0 ± 1.0', '87.0 ± 1.0', '+5.0 ± 1.0', '+2.5 to +7.5',
                        '0.026 *', '3', '50%', '86.0, 87.0, 88.0', '97.0 ± 1.0']
    assert lines[2][3:7] == [f'+0.0 ± {stdev([-1, 1, 0]):.1f}', '-2.5 to +2.5', '1.000', '']
    assert lines[0][3:7] == ['', '', '', '']


def test_a_table_names_the_seeds_where_a_row_has_others(runs):
    (runs / f'feature/{PAIR}/seed{SEEDS[1]}/summary.json').unlink()
    made = report(runs, ['unimodal', 'kd', 'feature'])
    header, lines = table(PAIR, made.scores[PAIR])
    place = header.index('seeds')
    every = ' '.join(map(str, SEEDS))
    assert [line[place] for line in lines] == [every, every, f'{SEEDS[0]} {SEEDS[2]}']
    assert all(len(line) == len(header) for line in lines)


def test_baseline_and_teacher_are_shown_where_methods_alone_are_asked_for(runs):
    made = report(runs, ['kd', 'feature'])
    assert [entry.row.name for entry in made.scores[PAIR]] == ['unimodal', 'kd', 'feature']
    assert [line[1] for line in made.lines()][::3] == ['unimodal', 'kd', 'feature']
    assert '(teacher on test: ' in made.markdown() and '| unimodal |' in made.markdown()


def test_samples_of_the_test_set_are_drawn_where_all_runs_have_them(runs):
    for name, leaf in (('unimodal', 'avdigits_audio'), ('kd', PAIR)):
        for seed in SEEDS:
            test = SCORES['kd' if name == 'kd' else 'unimodal_audio'][seed]
            right = np.arange(100)[:, None] < test
            write_samples(runs / name / leaf / f'seed{seed}' / SAMPLES, right.astype(int))
    drawn, not_drawn = (score(row, PAIR, SEEDS, runs).comparison
                        for row in rows('kd', 'feature'))
    assert drawn.sampled and not not_drawn.sampled
    # Samples that do not add up to the score are those of another test.
    write_samples(runs / f'kd/{PAIR}/seed1' / SAMPLES, np.ones((100, 1)))
    assert not score(Row('kd', 'kd'), PAIR, SEEDS, runs).comparison.sampled
    assert drawn.gain == pytest.approx(5.0) and 0 < drawn.low < 5 < drawn.high


def test_the_papers_numbers_stand_beside_ours(tmp_path):
    write(tmp_path, 'unimodal', 'cremad_audio', 0, 60.0)
    write(tmp_path, 'fdkd-paper', 'cremad_visual2audio', 0, 61.0)
    made = report(tmp_path, ['unimodal', 'fdkd-paper'], pairs=('cremad_visual2audio',))
    header, lines = table('cremad_visual2audio', made.scores['cremad_visual2audio'])
    assert header[-1] == 'paper' and [line[-1] for line in lines] == ['62.4', '64.1']
    made.write(tmp_path / 'report')
    assert 'selects on test' in (tmp_path / 'report/table.md').read_text()
    assert reported('c2kd', 'crisismmd_image') == 71.4
    assert reported('fdkd-paper', 'nyuv2_rgb') == 36.9
    assert reported('fdkd', 'nyuv2_rgb') is None  # at weights of its own
    assert reported('kd', 'nyuv2_rgb') is None and reported('rkd', 'ave_audio') is None


def test_reports_name_what_is_done_missing_and_failed(runs):
    failed = runs / f'dkd/{PAIR}/seed1'
    made = report(runs, ['unimodal', 'kd', 'dkd'], {failed: 'exit code 1: no more memory'})
    paths = made.write(runs / 'report')
    assert [path.name for path in paths] == [
        'table.csv', 'table.md', 'table.html', 'statistics.csv',
        'avdigits_visual2audio_gains.svg', 'avdigits_visual2audio_gains.pdf']
    before = [path.read_bytes() for path in paths[4:]]
    assert before[0].startswith(b'<?xml') and before[1].startswith(b'%PDF')
    made.write(runs / 'report')
    assert [path.read_bytes() for path in paths[4:]] == before
    with paths[0].open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 9
    status = {(line['row'], line['seed']): line['status'] for line in lines}
    assert status['kd', '2'] == 'done' and status['dkd', '0'] == 'missing'
    assert status['dkd', '1'] == 'exit code 1: no more memory'
    kd = next(line for line in lines if line['row'] == 'kd' and line['seed'] == '0')
    assert (kd['val'], kd['test'], kd['test_maximum']) == ('87.0', '86.0', '96.0')
    text = paths[1].read_text()
    assert text.startswith('# Benchmark: avdigits\n')
    assert '6 of 9 cells are done' in text and 'took 6.0 hours' in text
    assert 'dkd on avdigits_visual2audio, seed 1: exit code 1: no more memory' in text
    assert '± 1.0** | +5.0 ± 1.0 | +2.5 to +7.5 | 0.013 * | 3 |' in text
    best = re.findall(r'\*\*([\d.]+ ± [\d.]+)\*\*', text)
    assert best == ['88.0 ± 1.0', '87.0 ± 1.0']
    assert 'corrected for the number of rows by Holm' in text
    compared, = csv.DictReader(paths[3].open())
    assert (compared['row'], compared['gain'], compared['seeds']) == ('kd', '5.0', '3')
    page = paths[2].read_text()
    assert '<td class=best>87.0 ± 1.0</td>' in page and 'data:image/png;base64,' in page
    # What differs significantly stands out, and on a phone a table scrolls by itself.
    marked = re.findall(r'<tr class="significant">\n<td>(.+?)</td>', page)
    assert marked == ['KD'] and page.count('<tr>') >= 2
    assert 'width=device-width' in page and page.count('<div><table>') == 1


def test_the_chart_names_metric_and_significant_rows(runs):
    axes, = plots(PAIR, report(runs, ['unimodal', 'kd'], {}).scores[PAIR])['gains'].axes
    assert axes.get_ylabel() == 'accuracy/top1 on test,\npoints against unimodal'
    assert [text.get_text() for text in axes.get_xticklabels()] == ['KD *']


def test_the_chart_names_the_metric_that_the_runs_were_selected_by(runs):
    for path in runs.rglob('summary.json'):
        summary = json.loads(path.read_text())
        summary['test']['accuracy/top5'] = summary['test']['accuracy/top1']
        summary['options'] = {'default_hooks.checkpoint.save_best': 'accuracy/top5'}
        path.write_text(json.dumps(summary))
    axes, = plots(PAIR, report(runs, ['unimodal', 'kd'], {}).scores[PAIR])['gains'].axes
    assert axes.get_ylabel().startswith('accuracy/top5 on test')


def test_a_report_of_a_preset_says_so_in_its_title(runs):
    made = Report((PAIR,), rows('unimodal', 'kd'), SEEDS, runs, {}, '', 0, 'Table 1')
    assert made.markdown().startswith('# Benchmark: avdigits, Table 1\n')


def test_the_grid_of_weights_is_drawn_when_it_is_whole(tmp_path):
    grid_rows, _ = preset('figure5')
    write(tmp_path, 'unimodal', 'avdigits_audio', 0, 50.0)
    for i, row in enumerate(grid_rows[1:]):
        write(tmp_path, row.name, PAIR, 0, float(i))
    scores = [score(row, PAIR, (0,), tmp_path) for row in grid_rows]
    assert weight_grid(scores).tolist() == [[4.0 * i + j for j in range(4)] for i in range(4)]
    assert weight_grid(scores[:-1]) is None
    for row in grid_rows[2:]:  # a seed that one cell lacks does not move the others
        write(tmp_path, row.name, PAIR, 1, 90.0)
    more = [score(row, PAIR, (0, 1), tmp_path) for row in grid_rows]
    assert weight_grid(more).tolist() == weight_grid(scores).tolist()
    made = Report((PAIR,), grid_rows, (0,), tmp_path, {}, '', 0)
    assert made.html().count('<img') == 2


# Summaries of other kinds.

@pytest.mark.parametrize('content', [
    b'', b'\xff\xfe', b'[]', b'{"test": [1]}', b'{"test": {"accuracy/top1": [1, 2]}}',
    b'{"test": {"accuracy/top1": null}}', b'{"test": {"other": 3}}', b'{"val": 1}'])
def test_a_report_survives_damaged_and_foreign_summaries(content, runs):
    path = runs / f'kd/{PAIR}/seed1/summary.json'
    path.write_bytes(content)
    assert read_result(Cell(Row('kd', 'kd'), PAIR, 1, runs)) is None
    made = report(runs, ['unimodal', 'kd'])
    made.write(runs / 'report')
    lines = list(csv.DictReader((runs / 'report/table.csv').open()))
    status = {(line['row'], line['seed']): line['status'] for line in lines}
    assert status['kd', '1'] == 'missing' and status['kd', '0'] == 'done'


def test_a_run_without_validation_fills_its_cell(runs):
    for seed in SEEDS:
        path = runs / f'kd/{PAIR}/seed{seed}/summary.json'
        path.write_text(json.dumps(dict(json.loads(path.read_text()), val=None)))
    made = report(runs, ['unimodal', 'kd'])
    _, lines = table(PAIR, made.scores[PAIR])
    assert lines[1][1:3] == ['-', '87.0 ± 1.0']
    made.write(runs / 'report')
    lines = list(csv.DictReader((runs / 'report/table.csv').open()))
    assert [line['val'] for line in lines if line['row'] == 'kd'] == ['', '', '']
