"""benchmarks/read_time.py reads what it says."""

import re
import sys

import read_time

from mmfkd.datasets.synthetic.nyuv2_layout import write_nyuv2_layout


def test_all_modalities_and_the_one_that_is_used_are_timed(tmp_path, monkeypatch, capsys):
    write_nyuv2_layout(tmp_path / 'data/nyuv2', 8, 2, size=(48, 64))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['read_time.py', 'unimodal/nyuv2_rgb', '--samples', '4',
                                      '--rounds', '2'])
    read_time.main()
    lines = capsys.readouterr().out.splitlines()[-2:]
    found = [re.fullmatch(r'(\w+) \((.*)\): (\d+\.\d\d) ms of .*', line).groups() for line in lines]
    assert [(name, read) for name, read, _ in found] == [('all', 'rgb, depth'), ('rgb', 'rgb')]
    assert all(float(value) > 0 for *_, value in found)
