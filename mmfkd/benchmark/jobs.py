"""Trainings of the cells of a table, side by side and each once.

A cell is done when its ``summary.json`` has test scores. While it trains, its process holds a lock
on the work dir: a table that is started again leaves a training that outlived its parent alone,
waits for it and takes its result.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from mmfkd.engine.processes import run_child, stop_child

from .grid import Cell, refuse_seed
from .networks import NetworkCell
from .results import is_done
from .settings import check_settings

LOG = 'benchmark.log'
Training = Cell | NetworkCell


@dataclass(frozen=True)
class Workers:
    """How trainings are run, and how many at a time.

    Attributes:
        options: of all trainings, as ``--cfg-options`` has them.
        amp: mixed precision.
        jobs: trainings at a time.
        gpus: GPUs, one training at a time on each; then ``jobs`` is their number.
        threads: CPU threads of each training; None leaves it to PyTorch.

    Raises:
        ValueError: fewer than one job or thread, or options with a seed, which is a table's own.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    amp: bool = False
    jobs: int = 1
    gpus: Sequence[str] = ()
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1 or (self.threads is not None and self.threads < 1):
            raise ValueError(f'--jobs {self.jobs} --threads {self.threads}: take 1 or more')
        refuse_seed(self.options)

    @property
    def count(self) -> int:
        """Trainings at a time."""
        return len(self.gpus) or self.jobs

    def environments(self) -> 'SimpleQueue[dict[str, str]]':
        """What is added to the environment of this process, for each training at a time."""
        threads = {'OMP_NUM_THREADS': str(self.threads)} if self.threads else {}
        free: SimpleQueue[dict[str, str]] = SimpleQueue()
        for gpu in self.gpus or [''] * self.jobs:
            free.put({**threads, **({'CUDA_VISIBLE_DEVICES': gpu} if gpu else {})})
        return free


def train(cell: Training, workers: Workers, environment: Mapping[str, str],
          running: list | None = None) -> str | None:
    """Trains a cell that is not done.

    Args:
        cell: which.
        workers: how.
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
        for command in (*cell.preparations(), cell.command(workers.options, workers.amp)):
            code = run_child(command, running, stdout=file, stderr=subprocess.STDOUT,
                             env={**os.environ, **environment})
            if code:
                break
    if is_done(cell.work_dir):
        return None
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
    return f'exit code {code}: {lines[-1] if lines else "no output"} (see {log})'


def waves(cells: Sequence[Training]) -> tuple[list[Training], list[Training]]:
    """The cells that need no other, and those that start from what these leave."""
    return ([cell for cell in cells if not cell.teachers()],
            [cell for cell in cells if cell.teachers()])


def run_cells(cells: Sequence[Training], workers: Workers,
              report: Callable[[Training, str | None], None] = lambda cell, failure: None
              ) -> dict[Training, str]:
    """Trains what is not done, baselines first, and goes on where a cell fails.

    Args:
        cells: of the table, in any order.
        workers: how, and how many at a time.
        report: called with each cell that ended, and why it failed or None.

    Returns:
        the cells that failed, and why. One whose teacher failed is not started.
    """
    free = workers.environments()
    failures: dict[Training, str] = {}
    running: list[subprocess.Popen] = []

    def run(cell: Training) -> str | None:
        dead = [teacher.leaf for teacher in cell.teachers() if teacher in failures]
        if dead:
            return f'its teacher {", ".join(dead)} failed'
        environment = free.get()
        try:
            return train(cell, workers, environment, running)
        except OSError as error:
            return str(error)
        finally:
            free.put(environment)

    for wave in waves(cells):
        with ThreadPoolExecutor(workers.count) as pool:
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


def train_missing(cells: Sequence[Cell], workers: Workers, what: str) -> None:
    """Trains what others start from, if it is not done.

    Args:
        cells: which.
        workers: how.
        what: their name in what is printed, such as ``teachers``.

    Raises:
        ValueError: a training failed, or one that is done had other options.
    """
    check_settings(cells, workers.options, workers.amp)
    left = [cell for cell in cells if not is_done(cell.work_dir)]
    if left:
        print(f'{what} that are trained first, in {left[0].root}: '
              f'{", ".join(f"{cell.leaf} (seed {cell.seed})" for cell in left)}', flush=True)
    failures = run_cells(left, workers)
    if failures:
        raise ValueError('; '.join(f'{cell.work_dir}: {why}' for cell, why in failures.items()))
