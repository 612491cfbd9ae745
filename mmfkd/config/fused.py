"""Fused images of two modalities: where they lie."""

import re
from pathlib import PurePosixPath

FUSED = 'fused'
PLACEHOLDER = re.compile(r'\{\w+\}|\*')


def fused_folder(folder: str) -> str:
    """The folder of fused images, from that of the images they are named after.

    The last part without a placeholder, such as ``{split}`` or ``*``, becomes ``fused``:
    ``{split}/vi`` is ``{split}/fused``, and ``visible/{split}`` is ``fused/{split}``. Where all
    parts have one, ``fused`` comes before them. So no two images share a fused one.

    Args:
        folder: as ``modalities`` of a data set has it.
    """
    parts = list(PurePosixPath(folder).parts)
    fixed = [place for place, part in enumerate(parts) if not PLACEHOLDER.search(part)]
    if fixed:
        parts[fixed[-1]] = FUSED
    else:
        parts.insert(0, FUSED)
    return str(PurePosixPath(*parts))
