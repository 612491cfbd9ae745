"""Processes of their own for work that is heavy, or that may crash."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor


def process_pool(workers: int, preload: str) -> ProcessPoolExecutor:
    """A pool whose processes have a module imported already.

    Args:
        workers: number of processes.
        preload: name of that module.
    """
    # A copy of this process would have objects whose threads it lacks: PyAV waits for them forever
    # when it frees one. So a server is started once, imports the module, and is what is copied.
    server = 'forkserver' in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context('forkserver' if server else None)
    if server:
        context.set_forkserver_preload([preload])
    # Ctrl-C reaches all processes; this one lets the others finish what they are at.
    return ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))


def run_parallel(function: Callable, items: Sequence, workers: int,
                 progress: Callable[[Sequence], Iterable] = iter) -> list:
    """``function`` of each item, in order, by a number of processes; for 1 by this one.

    Raises:
        BrokenProcessPool: a process died.
    """
    if workers == 1:
        return [function(item) for item in progress(items)]
    pool = process_pool(workers, function.__module__)
    try:
        results = pool.map(function, items)
        return [result for _, result in zip(progress(items), results, strict=True)]
    finally:
        pool.shutdown(cancel_futures=True)
