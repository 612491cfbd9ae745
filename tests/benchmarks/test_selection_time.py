"""benchmarks/selection_time.py compares the same numbers."""

import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_batch_and_loop_agree(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['selection_time.py', '--shape', '6', '5', '--steps', '1',
                                      '--warmup', '0'])
    runpy.run_path(str(ROOT / 'benchmarks/selection_time.py'), run_name='__main__')
    printed = capsys.readouterr().out
    assert '6 samples of 5 classes' in printed
    assert float(re.search(r'largest difference (\S+)', printed)[1]) < 1e-6
