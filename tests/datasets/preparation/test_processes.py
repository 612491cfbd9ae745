"""Processes that share the work."""

import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest

from mmfkd.datasets.preparation.processes import run_parallel


def test_a_dead_process_is_an_error():
    """And the others are not waited for."""
    with pytest.raises(BrokenProcessPool):
        run_parallel(os._exit, [1, 1], 2)


def test_what_this_process_holds_hangs_no_other(tmp_path):
    """A resampler of PyAV has threads, which a copy of this process would lack."""
    script = tmp_path / 'script.py'
    script.write_text('''
import gc
import av
import numpy as np

def garbage():
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), 'int16'), 's16', 'mono')
    frame.sample_rate = 44100
    cycle = [av.AudioResampler('s16', 'mono', 8000)]
    cycle[0].resample(frame)
    cycle.append(cycle)

if __name__ == '__main__':
    from mmfkd.datasets.preparation.processes import run_parallel
    gc.disable()
    garbage()
    print(len(run_parallel(gc.collect, [2, 2], 2)))
''')
    done = subprocess.run([sys.executable, str(script)], timeout=120, capture_output=True,
                          text=True, check=True)
    assert done.stdout.splitlines()[-1] == '2'
