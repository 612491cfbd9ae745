"""Measures how fast kept teacher outputs are written and read, and how fast the disk is.

Maps of random values are kept as a training keeps them, and read in random order: from the disk,
of which the system is asked to forget what it has in memory, and once more from memory. The disk's
own rate is that of reading the same file from end to end.

Example::

    python benchmarks/cache_rate.py --shape 512 30 40 --samples 1000 --folder work_dirs
"""

import argparse
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch

from mmfkd.caching import TeacherOutputs


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--shape', nargs='+', type=int, default=(512, 30, 40))
    parser.add_argument('--samples', type=int, default=500)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--folder', type=Path, help='The folder of the measurement.')
    return parser.parse_args()


def forget(file: Path) -> None:
    """Asks the system to keep nothing of a file in memory."""
    with file.open('rb') as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_through(file: Path) -> None:
    """Reads a file from end to end."""
    with file.open('rb', buffering=0) as opened:
        while opened.read(8 * 2 ** 20):
            pass


def seconds(run: Callable[[], None]) -> float:
    """How long it takes."""
    start = perf_counter()
    run()
    return perf_counter() - start


def main() -> None:
    """Runs the command."""
    args = parse_args()
    batches = [[(i, 0) for i in range(start, min(start + args.batch, args.samples))]
               for start in range(0, args.samples, args.batch)]
    shuffled = list(batches)
    random.Random(0).shuffle(shuffled)
    feat = torch.rand(args.batch, *args.shape)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        outputs = TeacherOutputs(Path(folder), args.samples, 1)
        file = Path(folder, 'feat.bin')

        def store() -> None:
            for places in batches:
                outputs.store(dict(feat=feat[:len(places)]), places, {})

        def load() -> None:
            for places in shuffled:
                if outputs.load(['feat'], places, {}) is None:
                    raise SystemExit('what was kept is not there')

        times = dict(written=seconds(store))
        forget(file)
        times['read from the disk'] = seconds(load)
        forget(file)
        times["the disk's own rate"] = seconds(lambda: read_through(file))
        times['read from memory'] = seconds(load)
        size = file.stat().st_size / 1e6
        print(f'{args.samples} maps of {"x".join(map(str, args.shape))}, {size:.0f} MB')
        for name, value in times.items():
            print(f'{name}: {size / value:.0f} MB/s')


if __name__ == '__main__':
    main()
