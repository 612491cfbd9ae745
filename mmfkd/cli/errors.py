"""Errors as a user reads them: the message, and the traceback where that says more."""

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mmengine.registry

FLAG = '--traceback'
PACKAGE = Path(__file__).parents[1]
# Where mmengine says which type of a config does not exist.
REGISTRY = Path(mmengine.registry.__file__).parent
# A frame of a traceback: its file, and the line of code in it.
FRAME = re.compile(r'^ *File "(.+?)", line \d+, in .+\n +(.*)$', re.MULTILINE)


@contextmanager
def readable_errors(show_traceback: bool) -> Iterator[None]:
    """Ends the process with the message alone where mmfkd raised an error on purpose.

    Such a message is complete: it names what is wrong and the cure. Every other error keeps its
    traceback.

    Args:
        show_traceback: keep it for all.

    Raises:
        SystemExit: with the message.
    """
    try:
        yield
    except Exception as error:
        message = None if show_traceback else complete_message(error)
        if message is None:
            raise
        sys.stdout.flush()
        sys.exit(f'{type(error).__name__}: {message} ({FLAG} shows where)')


def complete_message(error: Exception) -> str | None:
    """The message of an error that a ``raise`` of mmfkd made, also in a worker; else None.

    What mmengine's registries raise counts too: it names the type that does not exist.
    """
    frames = FRAME.findall(''.join(traceback.format_exception(error)))
    # The traceback of a worker is in the message, before that of the process which reads from it.
    inner = FRAME.findall(str(error))
    file, code = (inner or frames or [('', '')])[-1]
    if not code.startswith('raise') or not {PACKAGE, REGISTRY} & set(Path(file).resolve().parents):
        return None
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text.rpartition(f'{type(error).__name__}: ')[2].strip() if inner else text
