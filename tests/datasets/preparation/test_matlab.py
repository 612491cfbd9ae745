"""Small MATLAB files, whose reader may crash on damaged ones."""

import os
import signal

import numpy as np
import pytest
from scipy.io import savemat

from mmfkd.datasets.preparation import matlab
from mmfkd.datasets.preparation.matlab import MatlabError, read_variables


def test_variables_are_flat(tmp_path):
    savemat(tmp_path / 'x.mat', dict(a=np.arange(6).reshape(2, 3), b=np.float64(4)))
    a, b = read_variables(tmp_path / 'x.mat', ('a', 'b'))
    assert a.tolist() == [0, 1, 2, 3, 4, 5] and b.tolist() == [4] and a.dtype == np.int64
    with pytest.raises(MatlabError, match='KeyError'):
        read_variables(tmp_path / 'x.mat', ('c',))


def crash(path, variable_names):
    """What scipy's reader does on some files; in the process that reads."""
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_crash_of_the_reader_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, 'loadmat', crash)
    with pytest.raises(MatlabError, match='its reader crashed'):
        read_variables(tmp_path / 'x.mat', ('a',))
