"""Check the labelled frames of MVSeg, the data set of MVSS.

ROOT holds, as distributed with https://github.com/jiwei0921/MVSS-Baseline,

  {train,val,test,test_night}.txt   lists of videos, one a line
  data/<video>/visible/<frame>v.jpg   optical; .png is read as well
  data/<video>/infrared/<frame>i.jpg  infrared; likewise
  data/<video>/label/<frame>l.png     0 to 25, where 255 stands for 25; most frames have none

Nothing is converted; added is prepare_report.json. The set has its own val split. It has 3,545
labelled frames in all. CSK-Net trains on 1,004 and tests on 612 of them and does not say on
which, so its numbers cannot be compared with those of these lists.
"""

import argparse
import sys

from mmfkd.datasets import MVSSDataset
from mmfkd.datasets.preparation.images import check_images, open_split, stems_of

from .options import list_parser, run_command

SOURCE = 'https://github.com/jiwei0921/MVSS-Baseline'
SPLITS = ('train', 'val', 'test', 'test_night')
PUBLISHED = 3545


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    splits = {split: open_split(MVSSDataset, args.root, split) for split in SPLITS}
    stems = {stem for dataset in splits.values() for stem in stems_of(dataset)}
    for split, dataset in splits.items():
        videos = {stem.split('/')[0] for stem in stems_of(dataset)}
        print(f'{split}: {len(dataset)} labelled frames of {len(videos)} videos')
    print(f'{len(stems)} labelled frames in all ({PUBLISHED} in the paper of the data set; '
          'CSK-Net has 1004 for training and 612 for test, a part that it does not name)')
    return check_images(args, splits, {}, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('mvss', __doc__, 'data/mvss', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
