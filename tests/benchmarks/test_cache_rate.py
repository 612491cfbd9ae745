"""benchmarks/cache_rate.py keeps and reads what it times."""

import re
import sys

import cache_rate


def test_rates_of_writing_and_reading(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['cache_rate.py', '--folder', str(tmp_path), '--shape', '16',
                                      '8', '8', '--samples', '50', '--batch', '8'])
    cache_rate.main()
    first, *rates = capsys.readouterr().out.splitlines()[-5:]
    assert first.startswith('50 maps of 16x8x8')
    found = dict(re.fullmatch(r'(.*): (\d+) MB/s', line).groups() for line in rates)
    assert list(found) == ['written', 'read from the disk', "the disk's own rate",
                           'read from memory']
    assert all(int(rate) > 0 for rate in found.values())
    assert not list(tmp_path.iterdir())
