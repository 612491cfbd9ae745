"""Extract sound and frames of the videos of AVE.

ROOT holds, as distributed at https://github.com/YapengTian/AVE-ECCV18,

  AVE/<id>.mp4                          videos of ten seconds
  trainSet.txt, valSet.txt, testSet.txt lists with lines 'class&id&quality&start&end'

Added are

  audio/<id>.wav                         16 kHz mono
  frames/<id>/00000.jpg, 00001.jpg, ...  the first frame of each second

Without lists those lines of Annotations.txt whose video is there are divided at random into
80 % trainSet.txt, 10 % valSet.txt and 10 % testSet.txt; all lines of one video go together.
A stopped run continues where it was when the same command is given again.
"""

import argparse
import sys
from pathlib import Path

from mmfkd.datasets import AVEDataset
from mmfkd.datasets.preparation.clips import Clip
from mmfkd.datasets.preparation.splits import (
    PrepareError,
    prepare_splits,
    read_or_make_lists,
    seeded_split,
)

from .options import list_parser, run_command

SOURCE = 'https://github.com/YapengTian/AVE-ECCV18'
LISTS = dict(train='trainSet.txt', val='valSet.txt', test='testSet.txt')
ANNOTATIONS = 'Annotations.txt'
PUBLISHED = dict(train=3339, val=402, test=402)
FORMAT = AVEDataset.LIST


def make_lists(root: Path, seed: int) -> dict[str, list[dict]]:
    """Splits the annotations whose video is there, and whose event lasts, 80 / 10 / 10 by video.

    Raises:
        PrepareError: there are no annotations, or too few videos.
    """
    if not (root / ANNOTATIONS).is_file():
        raise PrepareError(f'{root} holds neither {", ".join(LISTS.values())} nor {ANNOTATIONS}: '
                           f'get them from {SOURCE}')
    rows = [row for row in FORMAT.read(root / ANNOTATIONS)
            if row['start'] < row['end'] and (root / 'AVE' / f'{row["id"]}.mp4').is_file()]
    if not rows:
        raise PrepareError(f'{root / "AVE"} holds no video of {ANNOTATIONS}: get them from '
                           f'{SOURCE}')
    splits = seeded_split([row['id'] for row in rows], dict(val=0.1, test=0.1), seed)
    split_of = {name: split for split, names in splits.items() for name in names}
    return {split: [row for row in rows if split_of[row['id']] == split] for split in LISTS}


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    root = args.root
    lists = read_or_make_lists(root, LISTS, FORMAT, lambda: make_lists(root, args.seed))
    splits = {split: [Clip(root / 'AVE' / f'{row["id"]}.mp4',
                           root / 'audio' / f'{row["id"]}.wav',
                           root / 'frames' / row['id']) for row in rows]
              for split, rows in lists.items()}
    return prepare_splits(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('ave', __doc__, 'data/ave')
    parser.add_argument('--seed', type=int, default=0,
                        help='The seed of the split where there are no lists (default: '
                             '%(default)s).')
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
