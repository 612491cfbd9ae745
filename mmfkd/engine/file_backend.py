"""A file backend that writes a file whole or not at all."""

import errno
import os
import shutil
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmfkd.whole_files import written_whole


class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend, which writes to a temporary file and renames it.

    A run that is killed while it saves, or a machine that loses its power, leaves the previous
    checkpoint untouched. Used as ``CheckpointHook(backend_args=dict(backend='mmfkd.atomic'))``.
    """

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        """Writes ``obj`` to ``filepath`` in one step.

        Raises:
            OSError: it cannot be written; of a full disk the message says what is free and what
                is needed. Nothing is left of the new file.
        """
        try:
            with written_whole(Path(filepath), durable=True) as temporary:
                temporary.write_bytes(obj)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise full_disk(filepath, len(obj), error) from error
            raise


def full_disk(path: str | os.PathLike, needed: int, error: OSError) -> OSError:
    """The error of a disk, or a quota, that has no room for a file."""
    free = shutil.disk_usage(os.path.dirname(path) or '.').free
    return OSError(error.errno, f'no room to write {path}: {needed:,} bytes are needed and '
                   f'{free:,} are free. What was written before is untouched. Make room, or '
                   'name another --work-dir')


register_backend('mmfkd.atomic', AtomicLocalBackend, force=True)
