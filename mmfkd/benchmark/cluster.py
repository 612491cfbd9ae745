"""Trainings of a table as jobs of Slurm, by submitit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .jobs import Training, Workers, train, waves
from .results import is_done


def submit(cells: Sequence[Training], folder: Path, workers: Workers,
           parameters: Mapping[str, Any], cluster: str = 'slurm') -> list[Any]:
    """Submits the cells that are not done as two arrays of jobs, each a call of :func:`train`.

    The second array holds what starts from cells of the first, and begins when that has ended.

    Args:
        cells: of the table.
        folder: of logs and of what the jobs call.
        workers: how, and how many jobs of an array at a time; GPUs and threads are Slurm's.
        parameters: of ``submitit.AutoExecutor.update_parameters``, such as ``timeout_min`` and
            ``slurm_partition``.
        cluster: 'slurm'; or 'local', processes on this machine, whose second array is submitted
            when the first has ended.

    Returns:
        the jobs of submitit.

    Raises:
        SystemExit: submitit is not installed; the message names the extra.
        ValueError: an unknown parameter, or no Slurm here.
    """
    submitit = require_submitit()
    found: list[Any] = []
    for wave in waves([cell for cell in cells if not is_done(cell.work_dir)]):
        if not wave:
            continue
        own = dict(parameters, name='mmfkd')
        if cluster == 'slurm':
            own['slurm_array_parallelism'] = workers.jobs
            if found:
                ids = dict.fromkeys(job.job_id.split('_')[0] for job in found)
                own['slurm_dependency'] = f'afterany:{":".join(ids)}'
        try:
            executor = submitit.AutoExecutor(folder, cluster=cluster)
            executor.update_parameters(**own)
        except (NameError, RuntimeError) as error:
            raise ValueError(f'--slurm: {error}') from None
        with executor.batch():
            new = [executor.submit(train, cell, workers, {}) for cell in wave]
        found += new
        if cluster == 'local':
            for job in new:
                job.wait()
    return found


def require_submitit() -> Any:
    """Submitit.

    Raises:
        SystemExit: it is not installed.
    """
    try:
        import submitit
    except ImportError:
        raise SystemExit('jobs of Slurm need submitit: pip install -e .[slurm], or pip install '
                         'submitit') from None
    return submitit
