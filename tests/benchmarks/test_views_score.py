"""benchmarks/views_score.py compares runs with the same run without a cache, seed by seed."""

import json
import sys

import views_score

SCORES = {'kd': (60, 62, 64), 'kd-1': (58, 61, 63), 'kd-4': (61, 63, 65)}


def test_table_of_finished_runs(tmp_path, monkeypatch, capsys):
    for name, scores in {'teacher': (70, 70, 70), **SCORES}.items():
        for seed, score in enumerate(scores):
            run = tmp_path / f'mars_aux2gray/{name}/seed{seed}'
            run.mkdir(parents=True)
            (run / 'summary.json').write_text(json.dumps(dict(val=score + 5.0,
                                                              test=dict(mIoU=float(score)))))
    monkeypatch.setattr(sys, 'argv', ['views_score.py', 'mars_aux2gray', '--views', '1', '4',
                                      '--root', str(tmp_path)])
    views_score.main()
    rows = [[cell.strip() for cell in line.strip('│').split('│')]
            for line in capsys.readouterr().out.splitlines() if line.startswith('│')]
    # Gains -2, -1, -1: Student's t of two degrees of freedom, 4.303, times 0.577 / √3.
    assert rows == [
        ['no cache', '67.0 ± 2.0', '62.0 ± 2.0', '', '', '60.0, 62.0, 64.0'],
        ['1', '65.7 ± 2.5', '60.7 ± 2.5', '-1.3 ± 0.6', '-2.8 to +0.1', '58.0, 61.0, 63.0'],
        ['4', '68.0 ± 2.0', '63.0 ± 2.0', '+1.0 ± 0.0', '', '61.0, 63.0, 65.0']]
