"""Check the images and labels of FMB, and list what is held out to select on.

ROOT holds, as distributed at https://github.com/JinyuanLiu-CV/SegMiF,

  {train,test}/Visible/00001.png   optical
  {train,test}/Infrared/00001.png  infrared
  {train,test}/Label/00001.png     0 to 14; 0 is background

Nothing is converted. Added are fit.txt and val.txt, the stems of train that subset='fit' and
subset='val' of the data set take, and prepare_report.json.
"""

import argparse
import sys

from mmfkd.datasets import FMBDataset
from mmfkd.datasets.preparation.images import check_images, open_split, write_subsets

from .options import list_parser, run_command

SOURCE = 'https://github.com/JinyuanLiu-CV/SegMiF'
PUBLISHED = dict(train=1220, test=280)


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    splits = {split: open_split(FMBDataset, args.root, split) for split in PUBLISHED}
    write_subsets(splits['train'])
    return check_images(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('fmb', __doc__, 'data/fmb', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
