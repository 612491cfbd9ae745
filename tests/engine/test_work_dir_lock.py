"""One run at a time in a work dir."""

import os
import subprocess
import sys
import threading

import pytest

from mmfkd.engine.work_dir_lock import locked

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='Windows has no such locks')
HOLD = '''
import sys, time
from mmfkd.engine.work_dir_lock import locked
with locked(sys.argv[1]):
    print('held', flush=True)
    time.sleep(float(sys.argv[2]))
'''


def hold(folder, seconds):
    process = subprocess.Popen([sys.executable, '-c', HOLD, folder, str(seconds)],
                               stdout=subprocess.PIPE, text=True)
    assert any(line == 'held\n' for line in process.stdout)
    return process


def test_a_second_process_waits_and_says_for_which(tmp_path, capsys):
    process = hold(tmp_path, 1)
    with locked(tmp_path, poll=0.05) as waited:
        assert waited and process.wait() == 0
    assert f'{tmp_path} is in use by process {process.pid} on' in capsys.readouterr().out
    with locked(tmp_path) as waited:
        assert not waited


def test_it_is_refused_where_waiting_is_impossible(tmp_path):
    process = hold(tmp_path, 60)
    with pytest.raises(BlockingIOError, match=f'process {process.pid}.*another --work-dir'):
        with locked(tmp_path, wait=False):
            pass
    process.kill()
    process.wait()
    with locked(tmp_path, wait=False) as waited:  # a killed process holds nothing
        assert not waited


def test_threads_exclude_each_other_too(tmp_path):
    order = []

    def other():
        with locked(tmp_path, poll=0.01):
            order.append('other')

    with locked(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append('first')
    thread.join()
    assert order == ['first', 'other']
