"""The closing message of mmfkd tune."""

import pytest
from runs import ROOT

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
