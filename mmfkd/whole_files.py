"""Files and folders that appear under their name only when they are whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def written_whole(target: Path, durable: bool = False, shared: bool = False) -> Iterator[Path]:
    """A path for a file or folder that becomes ``target`` when the block ends without error.

    Args:
        target: path of the file or folder, whose parents are made.
        durable: whether a file is on the disk before it gets its name, as a machine may lose its
            power.
        shared: whether several processes, also of other machines, may write the same file at once;
            what one of them leaves when it is killed then stays.
    """
    own = f'.{uuid4().hex}' if shared else ''
    temporary = target.with_name(f'{target.name}{own}.tmp')
    _remove(temporary)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        if durable:
            with temporary.open('rb+') as file:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
