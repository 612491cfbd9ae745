"""Extract sound and frames of the ten-second clips of VGGSound.

ROOT holds

  video/<id>_<start>.mp4         clips, cut out from second <start> on, six digits
  train_tiny.csv, test_tiny.csv  lists with lines 'id,start,class,split'

Added are

  audio/<id>_<start>.wav                         16 kHz mono
  frames/<id>_<start>/00000.jpg, 00001.jpg, ...  the first frame of each second

Without lists vggsound.csv, the list of https://www.robots.ox.ac.uk/~vgg/data/vggsound/, is
divided by its last column; --classes takes a part of its 309 classes.
A stopped run continues where it was when the same command is given again.
"""

import argparse
import sys
from pathlib import Path

from mmfkd.datasets import VGGSoundDataset
from mmfkd.datasets.lists import read_text
from mmfkd.datasets.preparation.clips import Clip
from mmfkd.datasets.preparation.splits import (
    PrepareError,
    prepare_splits,
    read_or_make_lists,
)

from .options import list_parser, run_command

SOURCE = 'https://www.robots.ox.ac.uk/~vgg/data/vggsound/'
LISTS = dict(train='train_tiny.csv', test='test_tiny.csv')
OFFICIAL = 'vggsound.csv'
FORMAT = VGGSoundDataset.LIST


def make_lists(root: Path, classes: Path | None) -> dict[str, list[dict]]:
    """Divides the official list by its last column.

    Args:
        root: folder of the list.
        classes: file with a class a line; None takes all classes.

    Raises:
        PrepareError: a file is missing, a class is unknown or a split is empty.
    """
    if not (root / OFFICIAL).is_file():
        raise PrepareError(f'{root} holds neither {", ".join(LISTS.values())} nor {OFFICIAL}: get '
                           f'the latter from {SOURCE}')
    rows = FORMAT.read(root / OFFICIAL)
    if classes is not None:
        names = {line.strip() for line in read_text(classes).split('\n')} - {''}
        unknown = sorted(names - {row['class'] for row in rows})
        if unknown:
            raise PrepareError(f'{classes}: {OFFICIAL} has no class {", ".join(unknown)}: write '
                               'classes as they are there, one a line')
        rows = [row for row in rows if row['class'] in names]
    lists = {split: [row for row in rows if row['split'] == split] for split in LISTS}
    for split, chosen in lists.items():
        if not chosen:
            raise PrepareError(f'{root / OFFICIAL} has no line of {split} that is wanted: get it '
                               'again, or choose other classes')
    return lists


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    root = args.root
    present = [name for name in LISTS.values() if (root / name).is_file()]
    if args.classes is not None and present:
        raise PrepareError(f'--classes is for {OFFICIAL}, but {", ".join(present)} is in {root}: '
                           'remove the lists or leave the option out')
    lists = read_or_make_lists(root, LISTS, FORMAT, lambda: make_lists(root, args.classes))
    splits: dict[str, list[Clip]] = {split: [] for split in lists}
    for split, rows in lists.items():
        for row in rows:
            name = f'{row["id"]}_{row["start"]:06d}'
            splits[split].append(Clip(root / 'video' / f'{name}.mp4',
                                      root / 'audio' / f'{name}.wav', root / 'frames' / name))
    return prepare_splits(args, splits, {}, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('vggsound', __doc__, 'data/vggsound50')
    parser.add_argument('--classes', type=Path, metavar='FILE',
                        help=f'The file of the classes to take from {OFFICIAL}, one a line '
                             '(default: all).')
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
