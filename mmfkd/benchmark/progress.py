"""Trainings of a table under a progress bar."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .jobs import Training, Workers, run_cells
from .results import is_done


def train_all(cells: Sequence[Training], workers: Workers) -> dict[Training, str]:
    """Trains what is left, under a progress bar with the time left."""
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn(), TextColumn('left:'), TimeRemainingColumn())
    left = [cell for cell in cells if not is_done(cell.work_dir)]
    console = Console()
    console.print(f'{len(cells)} cells, {len(cells) - len(left)} are done')
    with Progress(*columns, console=console, speed_estimate_period=1e9) as progress:
        task = progress.add_task('training', total=len(left))

        def report(cell: Training, failure: str | None) -> None:
            progress.advance(task)
            ended = f'failed: {cell.work_dir}: {failure}' if failure else f'done: {cell.work_dir}'
            progress.console.print(ended, markup=False, soft_wrap=True)

        return run_cells(left, workers, report)
