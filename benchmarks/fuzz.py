"""Damages files of every kind that mmfkd reads, and looks at what its readers make of them.

Each damaged file is refused by its name, or read as what it was, or, where its format cannot tell,
as something else. What must not happen: an error without the file's name, a hang, and other content
of a file whose format has checksums.

Example::

    python benchmarks/fuzz.py --files 2500
"""

import argparse
import random
import signal
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from fuzz_kinds import KINDS, Kind
from rich.console import Console
from rich.table import Table

from mmfkd.cli.prepare.nyuv2 import PrepareError as NYUError
from mmfkd.datasets.preparation.clips import ClipError

SECONDS = 20
OUTCOMES = ('refused', 'same', 'changed', 'undetected', 'nameless', 'hang')
BAD = ('undetected', 'nameless', 'hang')


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with one of the damages that copies, disks and editors do."""
    data, size = bytearray(content), len(content)
    place, length = draw.randrange(size), draw.choice((1, 4, 64, 1024))
    what = draw.choice(('cut', 'flip', 'zero', 'noise', 'delete', 'insert', 'head', 'double'))
    if what == 'cut':
        return content[:place]
    if what == 'flip':
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(size)] ^= 1 << draw.randrange(8)
    elif what == 'zero':
        data[place:place + length] = bytes(min(length, size - place))
    elif what == 'noise':
        data[place:place + length] = draw.randbytes(min(length, size - place))
    elif what == 'delete':
        del data[place:place + length]
    elif what == 'insert':
        data[place:place] = draw.randbytes(length)
    elif what == 'head':
        data[:64] = draw.randbytes(64)
    else:
        data += content
    return bytes(data)


def outcome(kind: Kind, path: Path, sound: Any) -> tuple[str, str]:
    """What a reader makes of a file, and the message if it refuses it."""
    signal.alarm(SECONDS)
    try:
        found = kind.read(path)
    except TimeoutError:
        return 'hang', ''
    except (ValueError, OSError, ClipError, NYUError) as error:
        message = str(error)
        return ('refused' if path.name in message else 'nameless'), message
    except Exception as error:
        return 'nameless', f'{type(error).__name__}: {error}'
    finally:
        signal.alarm(0)
    if found is None:  # a summary or an entry of the cache, which counts as not there
        return 'refused', ''
    if same(found, sound):
        return 'same', ''
    return ('undetected' if kind.checked else 'changed'), ''


def same(one: Any, other: Any) -> bool:
    """Whether two things that were read are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, torch.Tensor)):
        return one.dtype == other.dtype and np.array_equal(np.asarray(one), np.asarray(other))
    return one == other


def timed_out(number: int, frame: object) -> None:
    """Ends a reader that hangs."""
    raise TimeoutError


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--files', type=int, default=2500,
                        help='The number of damaged files (default: 2500).')
    parser.add_argument('--seed', type=int, default=0, help='The seed of the damages.')
    parser.add_argument('--kinds', nargs='+', help='Names of kinds, such as a.wav (default: all).')
    return parser.parse_args()


def main() -> int:
    """Runs the command and returns its exit code: 0 if nothing bad happened."""
    args = parse_args()
    warnings.simplefilter('ignore')
    av.logging.set_level(None)
    signal.signal(signal.SIGALRM, timed_out)
    kinds = [kind for kind in KINDS if args.kinds is None or kind.name in args.kinds]
    counts: dict[str, Counter[str]] = {kind.name: Counter() for kind in kinds}
    faults = []
    with tempfile.TemporaryDirectory() as name:
        for index in range(args.files):
            kind, draw = kinds[index % len(kinds)], random.Random(f'{args.seed} {index}')
            path = Path(name, kind.name)
            kind.write(path)
            sound = kind.read(path)
            path.write_bytes(damaged(path.read_bytes(), draw))
            result, message = outcome(kind, path, sound)
            counts[kind.name][result] += 1
            if result in BAD:
                faults.append(f'{kind.name}, file {index}: {result} {message}')
    table = Table('kind', 'tries', *OUTCOMES)
    for kind in kinds:
        counted = counts[kind.name]
        table.add_row(kind.name, str(counted.total()), *(str(counted[key]) for key in OUTCOMES))
    Console(width=110).print(table)
    print('\n'.join(faults[:40]) or f'{args.files} damaged files: nothing bad')
    return int(bool(faults))


if __name__ == '__main__':
    sys.exit(main())
