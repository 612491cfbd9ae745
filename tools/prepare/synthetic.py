"""Write rendered scenes in the NYUv2 layout, to run the NYUv2 configs without a download.

Example::

    python tools/prepare/synthetic.py data/nyuv2 --train 795 --test 654 --size 480 640 --seed 0
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mmfkd.datasets.synthetic import write_nyuv2_layout


def at_least(low: int, text: str) -> int:
    """``text`` as an integer that is not below ``low``."""
    value = int(text)
    if value < low:
        raise argparse.ArgumentTypeError(f'{value} is below {low}')
    return value


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    count, natural = partial(at_least, 1), partial(at_least, 0)
    # argparse names the type in its message when the text is no number at all.
    count.__name__ = natural.__name__ = 'whole number'
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path, help='folder to write into, such as data/nyuv2')
    parser.add_argument('--train', type=count, default=795, help='number of training scenes')
    parser.add_argument('--test', type=count, default=654, help='number of test scenes')
    parser.add_argument('--size', type=count, nargs=2, default=(480, 640),
                        metavar=('HEIGHT', 'WIDTH'), help='pixels (default: 480 640)')
    parser.add_argument('--seed', type=natural, default=0, help='decides the scenes')
    parser.add_argument('--overwrite', action='store_true',
                        help='delete the folders train and test in a root that is not empty')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.root.exists() and not args.root.is_dir():
        sys.exit(f'{args.root} is a file: name a folder')
    if args.root.is_dir() and any(args.root.iterdir()):
        if not args.overwrite:
            sys.exit(f'{args.root} is not empty: name another folder, or pass --overwrite to '
                     'replace its train and test folders')
        # Files left from a larger run would mix with the new ones.
        for split in ('train', 'test'):
            shutil.rmtree(args.root / split, ignore_errors=True)
    write_nyuv2_layout(args.root, args.train, args.test, size=tuple(args.size), seed=args.seed,
                       progress=partial(tqdm, desc='scenes', unit='scene'))


if __name__ == '__main__':
    main()
