"""Split the images of MFNet into colour and thermal, and check them with their labels.

ROOT holds, as distributed at https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral,

  images/00001D.png   colour in three channels, thermal in the fourth; D by day and N by night
  labels/00001D.png   0 to 8; 0, unlabeled, is a class
  {train,val,test,test_day,test_night}.txt   stems, one a line

Added are rgb/00001D.png and ir/00001D.png, and prepare_report.json. What is there already is kept,
so that a run that was stopped goes on. The set has its own val split.
"""

import argparse
import sys

from mmfkd.datasets import MFNetDataset
from mmfkd.datasets.preparation.channels import write_channels
from mmfkd.datasets.preparation.images import check_images, open_split
from mmfkd.datasets.preparation.splits import PrepareError

from .options import list_parser, run_command

SOURCE = 'https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral'
PUBLISHED = dict(train=784, val=392, test=393)


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    images = sorted((args.root / 'images').glob('*.png'))
    if not images:
        raise PrepareError(f'{args.root}/images holds no png file: put the images of MFNet there')
    write_channels({path: {args.root / 'rgb' / path.name: slice(0, 3),
                           args.root / 'ir' / path.name: 3} for path in images}, args.workers)
    splits = {split: open_split(MFNetDataset, args.root, split) for split in PUBLISHED}
    return check_images(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('mfnet', __doc__, 'data/mfnet', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
