"""Write the labels of DELIVER as label maps, and check its images.

ROOT holds, as distributed at https://github.com/jamycheung/DELIVER, for each CASE of cloud, fog,
night, rain and sun,

  {img,depth,event,lidar}/CASE/{train,val,test}/MAP/FRAME_{rgb,depth,event,lidar}_front.png
  semantic/CASE/{train,val,test}/MAP/FRAME_semantic_front.png   the class in the first channel

Added are label/CASE/.../FRAME_label_front.png, with one channel, and prepare_report.json. What is
there already is kept, so that a run that was stopped goes on.
"""

import argparse
import sys

from mmfkd.datasets import DELIVERDataset
from mmfkd.datasets.preparation.channels import write_channels
from mmfkd.datasets.preparation.images import check_images, open_split
from mmfkd.datasets.preparation.splits import PrepareError

from .options import list_parser, run_command

SOURCE = 'https://github.com/jamycheung/DELIVER'
PUBLISHED = dict(train=3983, val=2005, test=1897)
SEMANTIC = '_semantic_front.png'


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    semantic = args.root / 'semantic'
    images = sorted(semantic.rglob(f'*{SEMANTIC}'))
    if not images:
        raise PrepareError(f'{semantic} holds no file that ends in {SEMANTIC}: put the labels of '
                           'DELIVER there')
    jobs = {}
    for path in images:
        name = f'{path.name.removesuffix(SEMANTIC)}_label_front.png'
        jobs[path] = {args.root / 'label' / path.relative_to(semantic).with_name(name): 0}
    write_channels(jobs, args.workers)
    splits = {split: open_split(DELIVERDataset, args.root, split) for split in PUBLISHED}
    return check_images(args, splits, PUBLISHED, SOURCE)


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('deliver', __doc__, 'data/deliver', skippable=False)
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
