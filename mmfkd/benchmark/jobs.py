"""Trainings of the cells of a table, side by side and each once.

A cell is done when its ``summary.json`` is there. While it trains, its process holds a lock on the
work dir: a table that is started again leaves a training that outlived its parent alone, waits for
it and takes its result.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from .grid import Cell
from .results import is_done

LOG = 'benchmark.log'
LOCKS = os.name == 'posix'


@contextmanager
def locked(folder: Path, poll: float = 1.0) -> Iterator[int]:
    """Holds the lock of a work dir, and waits while another process has it.

    Windows has no such locks: there, do not start a table again while one of its trainings runs.

    Yields:
        the file descriptor of the lock; a child that inherits it keeps the lock as long as it
        lives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not LOCKS:
        yield -1
        return

    import fcntl

    descriptor = os.open(folder / '.lock', os.O_CREAT | os.O_RDWR)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(poll)
        yield descriptor
    finally:
        os.close(descriptor)


def train(cell: Cell, options: Mapping[str, object], amp: bool, environment: Mapping[str, str]
          ) -> str | None:
    """Trains a cell that is not done.

    Args:
        cell: which.
        options: of the whole table, as ``--cfg-options`` has it.
        amp: mixed precision.
        environment: added to that of this process.

    Returns:
        None when it is done; else why not.
    """
    with locked(cell.work_dir) as descriptor:
        if is_done(cell.work_dir):
            return None
        log = cell.work_dir / LOG
        with log.open('w') as file:
            code = subprocess.run(
                cell.command(options, amp), stdout=file, stderr=subprocess.STDOUT, check=False,
                pass_fds=(descriptor,) if LOCKS else (),
                env={**os.environ, **environment}).returncode
    if is_done(cell.work_dir):
        return None
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
    return f'exit code {code}: {lines[-1] if lines else "no output"} (see {log})'


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

    def run(cell: Cell) -> str | None:
        dead = [teacher.leaf for teacher in cell.teachers() if teacher in failures]
        if dead:
            return f'its teacher {", ".join(dead)} failed'
        device = free.get()
        try:
            environment = {'CUDA_VISIBLE_DEVICES': device} if device else {}
            if threads:
                environment['OMP_NUM_THREADS'] = str(threads)
            return train(cell, options, amp, environment)
        except OSError as error:
            return str(error)
        finally:
            free.put(device)

    waves = ([cell for cell in cells if not cell.teachers()],
             [cell for cell in cells if cell.teachers()])
    for wave in waves:
        with ThreadPoolExecutor(len(devices) or jobs) as pool:
            running = {pool.submit(run, cell): cell for cell in wave}
            for future in as_completed(running):
                cell, failure = running[future], future.result()
                if failure:
                    failures[cell] = failure
                report(cell, failure)
    return failures


def write_sbatch(cells: Sequence[Cell], folder: Path, options: Mapping[str, object], amp: bool,
                 jobs: int) -> Path:
    """Writes the cells that are not done as two Slurm arrays, and ``submit.sh`` for both.

    The second array, the distillations, starts when the first, the baselines, has ended.

    Args:
        cells: of the table.
        folder: where the scripts go.
        options: see :func:`train`.
        amp: mixed precision.
        jobs: tasks of an array at a time.

    Returns:
        path of ``submit.sh``; options of the cluster (partition, GPUs) are its arguments.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = [cell for cell in cells if not is_done(cell.work_dir)]
    submit, after = ['#!/bin/bash', '# usage: submit.sh [options of sbatch]'], ''
    for name, wave in (('baselines', [c for c in left if not c.teachers()]),
                       ('methods', [c for c in left if c.teachers()])):
        if not wave:
            continue
        commands, script = folder / f'{name}.txt', folder / f'{name}.sbatch'
        commands.write_text(''.join(shlex.join(c.command(options, amp)) + '\n' for c in wave))
        script.write_text(
            f'#!/bin/bash\n#SBATCH --job-name={name}\n#SBATCH --array=1-{len(wave)}%{jobs}\n'
            f'eval "$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {commands.resolve()})"\n')
        submit.append(f'{name}=$(sbatch --parsable "$@" {after}{script.resolve()})')
        after = f'--dependency=afterany:${name} '
    path = folder / 'submit.sh'
    path.write_text('\n'.join(submit) + '\n')
    path.chmod(0o755)
    return path
