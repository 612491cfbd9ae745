"""One run at a time in a work dir."""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = '.lock'


@contextmanager
def locked(folder: str | Path, wait: bool = True, poll: float = 1.0) -> Iterator[bool]:
    """Holds the lock of a work dir.

    The system frees it when the process ends, however it ends. Windows has no such locks: there,
    do not start two runs in one work dir.

    Args:
        folder: the work dir, which is made if it is missing.
        wait: wait while another process holds the lock, and say which; else refuse.
        poll: seconds between two looks.

    Yields:
        whether another process held it.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is false.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if os.name != 'posix':
        yield False
        return

    import fcntl

    with (folder / LOCK).open('a+') as file:
        waited = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waited:
                    file.seek(0)
                    holder = f'{folder} is in use by {file.read().strip() or "another process"}'
                    if not wait:
                        raise BlockingIOError(f'{holder}: wait until it has ended, or name '
                                              'another --work-dir') from None
                    print(f'{holder}; waiting until it has ended', flush=True)
                waited = True
                time.sleep(poll)
            except OSError as error:
                if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                    raise
                print(f'the file system of {folder} has no locks: do not start a second run '
                      'there', flush=True)
                break
        file.truncate(0)
        file.write(f'process {os.getpid()} on {socket.gethostname()}')
        file.flush()
        yield waited


def is_locked(folder: str | Path) -> bool:
    """Whether a process holds the lock of a folder."""
    if os.name != 'posix' or not Path(folder, LOCK).is_file():
        return False

    import fcntl

    with Path(folder, LOCK).open('a+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
