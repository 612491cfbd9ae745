"""Write the config of a method on a pair of modalities, to be trained and edited.

Example::

    mmfkd compose dkd nyuv2_depth2rgb -o dkd_depth2rgb.py && mmfkd train dkd_depth2rgb.py
    mmfkd compose csknet msrs_rgb-ir -o csknet_msrs.py
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser('mmfkd compose', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('method', metavar='METHOD',
                        help='The name of a method, such as dkd, or of a network of several '
                             'modalities, such as csknet.')
    parser.add_argument('pair', metavar='PAIR',
                        help='A pair, written DATASET_A2B: A teaches B on this data set; for a '
                             'network the modalities that it takes, written DATASET_A-B.')
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='FILE.py',
                        help='The config to write.')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)

    from mmfkd.config import write_leaf
    try:
        write_leaf(args.pair, args.method, args.out)
    except (FileExistsError, FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    print(args.out)


if __name__ == '__main__':
    main()
