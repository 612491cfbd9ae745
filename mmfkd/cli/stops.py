"""Commands that go on where they were stopped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmfkd.engine.processes import leave, stoppable


@contextmanager
def resumable() -> Iterator[None]:
    """Ends the process with one sentence where a block is stopped, or what is asked for is wrong.

    Raises:
        SystemExit: with the message of a ValueError or FileNotFoundError.
    """
    try:
        with stoppable():
            yield
    except KeyboardInterrupt as stop:
        leave(stop, 'stopped; the same command goes on from here')
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
