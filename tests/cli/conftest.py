"""Running tools/train.py to its error, in this process: that saves the seconds of the imports."""

import runpy
import sys
import traceback

import pytest
from runs import ROOT, check_failure, train_command


@pytest.fixture
def fails(monkeypatch):
    """``fails(config, options, *parts)``: the command stops, and its last line has the parts."""
    def attempt(config, options, *parts):
        work_dir, arguments = train_command(config, options)
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, 'argv', arguments)
        with pytest.raises((Exception, SystemExit)) as caught:
            runpy.run_path(arguments[0], run_name='__main__')
        error = caught.value
        if isinstance(error, SystemExit):
            assert error.code not in (0, None)
            text = str(error.code)
        else:
            text = ''.join(traceback.format_exception_only(error))
        check_failure(text.strip().splitlines()[-1], work_dir, parts)
    return attempt
