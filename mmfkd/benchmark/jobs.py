"""Trainings of the cells of a table, side by side and each once.

A cell is done when its ``summary.json`` has test scores. While it trains, its process holds a lock
on the work dir: a table that is started again leaves a training that outlived its parent alone,
waits for it and takes its result.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from mmfkd.engine.processes import run_child, stop_child

from .grid import Cell
from .results import is_done

LOG = 'benchmark.log'


def train(cell: Cell, options: Mapping[str, object], amp: bool, environment: Mapping[str, str],
          running: list | None = None) -> str | None:
    """Trains a cell that is not done.

    Args:
        cell: which.
        options: of the whole table, as ``--cfg-options`` has it.
        amp: mixed precision.
        environment: added to that of this process.
        running: holds the process as long as it runs.

    Returns:
        None when it is done; else why not.
    """
    if is_done(cell.work_dir):
        return None
    log = cell.work_dir / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    # Behind what is there: a training that outlived its parent may still write into it.
    with log.open('a') as file:
        code = run_child(cell.command(options, amp), running, stdout=file,
                         stderr=subprocess.STDOUT, env={**os.environ, **environment})
    if is_done(cell.work_dir):
        return None
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
    return f'exit code {code}: {lines[-1] if lines else "no output"} (see {log})'


def waves(cells: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
    """The cells that need no other, and those that start from what these leave."""
    return ([cell for cell in cells if not cell.teachers()],
            [cell for cell in cells if cell.teachers()])


def run_cells(cells: Sequence[Cell], jobs: int, options: Mapping[str, object], amp: bool,
              devices: Sequence[str] = (), threads: int | None = None,
              report: Callable[[Cell, str | None], None] = lambda cell, failure: None
              ) -> dict[Cell, str]:
    """Trains what is not done, baselines first, and goes on where a cell fails.

    Args:
        cells: of the table, in any order.
        jobs: trainings at a time.
        options: see :func:`train`.
        amp: mixed precision.
        devices: GPUs, one training each at a time; then ``jobs`` is their number.
        threads: CPU threads of each training; None leaves it to PyTorch.
        report: called with each cell that ended, and why it failed or None.

    Returns:
        the cells that failed, and why. One whose teacher failed is not started.
    """
    free: SimpleQueue[str] = SimpleQueue()
    for device in devices or [''] * jobs:
        free.put(device)
    failures: dict[Cell, str] = {}
    running: list[subprocess.Popen] = []

    def run(cell: Cell) -> str | None:
        dead = [teacher.leaf for teacher in cell.teachers() if teacher in failures]
        if dead:
            return f'its teacher {", ".join(dead)} failed'
        device = free.get()
        try:
            environment = {'CUDA_VISIBLE_DEVICES': device} if device else {}
            if threads:
                environment['OMP_NUM_THREADS'] = str(threads)
            return train(cell, options, amp, environment, running)
        except OSError as error:
            return str(error)
        finally:
            free.put(device)

    for wave in waves(cells):
        with ThreadPoolExecutor(len(devices) or jobs) as pool:
            futures = {pool.submit(run, cell): cell for cell in wave}
            try:
                for future in as_completed(futures):
                    cell, failure = futures[future], future.result()
                    if failure:
                        failures[cell] = failure
                    report(cell, failure)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in list(running):
                    stop_child(child)
                raise
    return failures
