"""Whether the runs that are there were trained with the options of a table."""

from collections.abc import Iterable, Mapping

from mmfkd.checkpoints import read_summary
from mmfkd.checkpoints.settings import difference

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
        kept = {key: value for key, value in summary['options'].items() if key not in own}
        other = difference(dict(summary, options=kept), given, amp)
        if other:
            raise ValueError(f'{cell.work_dir} was trained with {other[0]}, and this table has '
                             f'{other[1] or "none of these"}: give the same options, another '
                             '--root, or remove that folder')
