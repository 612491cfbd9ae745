"""Processes that a command starts, and how a command is stopped."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from mmfkd.config import spelled_options

PATIENCE = 30


class Terminated(KeyboardInterrupt):
    """SIGTERM, as a Ctrl-C that ends with its own exit code."""


class StopRequest:
    """A Ctrl-C or SIGTERM that has come, if one has.

    It is raised between two steps of a run, by :meth:`raise_if_made`, because Python drops what is
    raised in a destructor or in a fork, and prints a traceback of it. Where no step ends for two
    seconds, or at a second signal, it is raised wherever the process is, and again until
    :func:`stopping` says that it has arrived.
    """

    def __init__(self) -> None:
        self._made: type[KeyboardInterrupt] | None = None

    def raise_if_made(self) -> None:
        """Raises KeyboardInterrupt, or :class:`Terminated`, if a signal has come."""
        if self._made:
            raise self._made

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handles the signals, and the alarms that follow them."""
        again = self._made is not None
        self._made = self._made or (KeyboardInterrupt if number == signal.SIGINT else Terminated)
        if not hasattr(signal, 'setitimer'):
            raise self._made
        signal.signal(signal.SIGALRM, self.handle)
        signal.setitimer(signal.ITIMER_REAL, 1 if again else 2)
        if again:
            raise self._made


# Exit codes of commands that were stopped, and what to raise for them.
STOPPED = {128 + signal.SIGINT: KeyboardInterrupt, 128 + signal.SIGTERM: Terminated}


@contextmanager
def stoppable() -> Iterator[StopRequest]:
    """Turns Ctrl-C and SIGTERM in the block into a :class:`StopRequest`."""
    request = StopRequest()
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, request.handle)}
    # A shell that runs a command in the background has it ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, request.handle)
    try:
        yield request
    finally:
        stopping()
        for number, handler in before.items():
            signal.signal(number, handler)


def stopping() -> None:
    """Says that a stop has arrived, and that what ends the process may take its time."""
    if hasattr(signal, 'setitimer'):
        signal.setitimer(signal.ITIMER_REAL, 0)


def leave(stop: KeyboardInterrupt, message: str) -> NoReturn:
    """Ends this process after a stop, with a message and without tracebacks of what was cut off.

    Its exit code is what a shell expects: 128 and the number of the signal.
    """
    print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    for worker in multiprocessing.active_children():
        worker.kill()
    number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
    os._exit(128 + number)


def train_command(what: Sequence[str], work_dir: Path, options: Mapping[str, object], amp: bool
                  ) -> list[str]:
    """``mmfkd train`` of this interpreter, which goes on with what was stopped.

    Args:
        what: arguments that name a config, or a pair and a method.
        work_dir: folder of the run.
        options: as ``--cfg-options`` has them.
        amp: mixed precision.
    """
    return [sys.executable, '-m', 'mmfkd', 'train', *what, '--work-dir', str(work_dir), '--resume',
            *(['--amp'] if amp else []),
            *(['--cfg-options', *spelled_options(options)] if options else [])]


def run_child(command: Sequence[str], running: list | None = None, **options: Any) -> int:
    """Runs a command to its end; where this process is stopped, the child is stopped first.

    Args:
        command: program and arguments.
        running: a list that holds the child as long as it runs, for a thread that may have to stop
            it.
        options: of ``subprocess.Popen``.

    Returns:
        its exit code.
    """
    with subprocess.Popen(command, **options) as child:
        if running is not None:
            running.append(child)
        try:
            return child.wait()
        except BaseException:
            stop_child(child)
            raise
        finally:
            if running is not None:
                running.remove(child)


def stop_child(child: subprocess.Popen) -> None:
    """Asks a process to end, and ends it if it does not."""
    stopping()
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
