"""Check the images and labels of PST900, and list what is held out to select on.

ROOT holds, as distributed at https://github.com/ShreyasSkandanS/pst900_thermal_rgb,

  {train,test}/rgb/STEM.png       colour
  {train,test}/thermal/STEM.png   thermal, 8 bits
  {train,test}/labels/STEM.png    0 to 4; 0 is background

Nothing is converted. Added are fit.txt and val.txt, the stems of train that subset='fit' and
subset='val' of the data set take, and prepare_report.json.
"""

import argparse
import sys

from mmfkd.datasets import PST900Dataset
from mmfkd.datasets.preparation.images import check_images, open_split, write_subsets

from .options import list_parser, run_command

SOURCE = 'https://github.com/ShreyasSkandanS/pst900_thermal_rgb'
PUBLISHED = dict(train=606, test=288)


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    splits = {split: open_split(PST900Dataset, args.root, split) for split in PUBLISHED}
    write_subsets(splits['train'])
    return check_images(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('pst900', __doc__, 'data/pst900', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
