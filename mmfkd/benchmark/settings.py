"""Whether the runs that are there were trained with the options of a table."""

from collections.abc import Iterable, Mapping

from mmfkd.checkpoints import read_summary
from mmfkd.checkpoints.settings import told

from .grid import SEED, Cell
from .networks import NetworkCell


def check_settings(cells: Iterable[Cell | NetworkCell], options: Mapping[str, object], amp: bool
                   ) -> None:
    """Looks for runs that ended and had other options, or another precision.

    Those of a version that did not write them into ``summary.json`` are taken as they are.

    Args:
        cells: of a table.
        options: of the whole table, as ``--cfg-options`` has them.
        amp: mixed precision.

    Raises:
        ValueError: there is one; the message names its folder and the options.
    """
    for cell in cells:
        summary = read_summary(cell.work_dir) or {}
        if 'options' not in summary:
            continue
        given = {**options, **cell.changes()}
        own = {SEED, *cell.own()} - set(given)
        found = told({key: value for key, value in summary['options'].items() if key not in own},
                     summary.get('amp', False))
        wanted = told(given, amp)
        if found != wanted:
            had, has = (" ".join(sorted(words)) for words in (found - wanted, wanted - found))
            raise ValueError(f'{cell.work_dir} was trained with {had or "fewer options"}, and this '
                             f'table has {has or "none of these"}: give the same options, another '
                             '--root, or remove that folder')
