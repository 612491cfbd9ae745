"""Extract the frames of CREMA-D from its videos, and sound where it is absent.

ROOT holds, as distributed with Git LFS at https://github.com/CheyneyComputerScience/CREMA-D,

  VideoFlash/<clip>.flv  videos
  AudioWAV/<clip>.wav    sound

and the lists train.csv and test.csv with lines 'clip,label'. Added are

  frames/<clip>/00000.jpg, 00001.jpg, ...  the first frame of each second
  AudioWAV/<clip>.wav                      16 kHz mono, where it is absent

Without lists 90 % of the clips found become train.csv and the others test.csv, at random.
A stopped run continues where it was when the same command is given again.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mmfkd.datasets import CREMADDataset
from mmfkd.datasets.preparation.clips import Clip
from mmfkd.datasets.preparation.splits import (
    PrepareError,
    prepare_splits,
    read_or_make_lists,
    seeded_split,
)

from .options import list_parser, run_command

SOURCE = "https://github.com/CheyneyComputerScience/CREMA-D ('git lfs pull')"
LISTS = dict(train='train.csv', test='test.csv')
PUBLISHED = dict(train=6698, test=744)
FORMAT = replace(CREMADDataset.LIST, labels=CREMADDataset.METAINFO['classes'])


def label_of(clip: str) -> str:
    """The label in the name of a clip, such as 1041_TIE_NEU_XX.

    Raises:
        PrepareError: there is none.
    """
    label = (clip.split('_') + [''] * 3)[2]
    if label not in FORMAT.labels:
        raise PrepareError(f'VideoFlash/{clip}.flv has none of {", ".join(FORMAT.labels)} as the '
                           'third part of its name: remove it, or give the lists')
    return label


def make_lists(root: Path, seed: int) -> dict[str, list[dict]]:
    """Splits the videos that are there 90 / 10.

    Raises:
        PrepareError: there are too few, or one whose name has no label.
    """
    clips = [path.stem for path in (root / 'VideoFlash').glob('*.flv')]
    if not clips:
        raise PrepareError(f'{root / "VideoFlash"} holds no *.flv: get them from {SOURCE}')
    return {split: [dict(clip=clip, label=label_of(clip)) for clip in names]
            for split, names in seeded_split(clips, dict(test=0.1), seed).items()}


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    root = args.root
    lists = read_or_make_lists(root, LISTS, FORMAT, lambda: make_lists(root, args.seed))
    splits = {split: [Clip(root / 'VideoFlash' / f'{row["clip"]}.flv',
                           root / 'AudioWAV' / f'{row["clip"]}.wav',
                           root / 'frames' / row['clip']) for row in rows]
              for split, rows in lists.items()}
    return prepare_splits(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('cremad', __doc__, 'data/cremad')
    parser.add_argument('--seed', type=int, default=0,
                        help='The seed of the split where there are no lists (default: '
                             '%(default)s).')
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
