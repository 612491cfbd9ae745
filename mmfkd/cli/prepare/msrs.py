"""Check the images and labels of MSRS, and list what is held out to select on.

ROOT holds, as distributed at https://github.com/Linfeng-Tang/MSRS,

  {train,test}/vi/00001D.png                   optical, D by day and N by night
  {train,test}/ir/00001D.png                   infrared
  {train,test}/Segmentation_labels/00001D.png  0 to 8; 0, unlabeled, is a class
  msrs_train.txt, msrs_test.txt                optional: stems to compare the folders with

Nothing is converted. Added are fit.txt and val.txt, the stems of train that subset='fit' and
subset='val' of the data set take, and prepare_report.json.
"""

import argparse
import sys

from mmfkd.datasets import MSRSDataset
from mmfkd.datasets.preparation.images import check_images, compare_list, open_split, write_subsets

from .options import list_parser, run_command

SOURCE = 'https://github.com/Linfeng-Tang/MSRS'
PUBLISHED = dict(train=1083, test=361)


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    splits = {split: open_split(MSRSDataset, args.root, split) for split in PUBLISHED}
    for split, dataset in splits.items():
        compare_list(args.root / f'msrs_{split}.txt', dataset)
    write_subsets(splits['train'])
    return check_images(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('msrs', __doc__, 'data/msrs', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
