"""A file backend that writes a file whole or not at all."""

import os

from mmengine.fileio import LocalBackend, register_backend


class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend, which writes to a temporary file and renames it.

    A run that is killed while it saves leaves the previous checkpoint untouched. Used as
    ``CheckpointHook(backend_args=dict(backend='mmfkd.atomic'))``.
    """

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        """Writes ``obj`` to ``filepath`` in one step."""
        temporary = f'{filepath}.tmp'
        super().put(obj, temporary)
        os.replace(temporary, filepath)


register_backend('mmfkd.atomic', AtomicLocalBackend, force=True)
