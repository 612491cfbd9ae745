"""Write rendered samples in a real data set's layout, to run its configs without a download.

Example::

    mmfkd prepare synthetic data/nyuv2 --train 795 --test 654 --size 480 640 --seed 0
    mmfkd prepare synthetic data/cremad --layout cremad
    mmfkd prepare synthetic data/crisismmd --layout crisismmd --dev 998
    mmfkd prepare synthetic data/msrs --layout msrs
    mmfkd prepare synthetic data/mvss --layout mvss --train 200 --dev 40 --test 80
    mmfkd prepare synthetic data/fmb --layout fmb
    mmfkd prepare synthetic data/mfnet --layout mfnet
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mmfkd.datasets.synthetic.cremad_layout import write_cremad_layout
from mmfkd.datasets.synthetic.crisismmd_layout import write_crisismmd_layout, write_tiny_bert
from mmfkd.datasets.synthetic.infrared_layouts import (
    write_fmb_layout,
    write_msrs_layout,
    write_mvss_layout,
)
from mmfkd.datasets.synthetic.nyuv2_layout import write_nyuv2_layout
from mmfkd.datasets.synthetic.thermal_layouts import (
    write_deliver_layout,
    write_mfnet_layout,
    write_pst900_layout,
)

# Sizes by default, those of the real splits, and what --overwrite removes.
LAYOUTS: dict[str, dict[str, Any]] = dict(
    nyuv2=dict(train=795, test=654, size=(480, 640), parts=('train', 'test'),
               contents='train and test folders'),
    cremad=dict(train=6698, test=744, size=(64, 64),
                parts=('AudioWAV', 'VideoFlash', 'train.csv', 'test.csv'),
                contents='AudioWAV and VideoFlash folders and its lists'),
    crisismmd=dict(train=6126, dev=998, test=955, size=(64, 64),
                   parts=('data_image', 'bert', *(f'task_humanitarian_text_img_agreed_lab_{s}.tsv'
                                                  for s in ('train', 'dev', 'test'))),
                   contents='data_image and bert folders and its lists'),
    msrs=dict(train=1083, test=361, size=(480, 640), parts=('train', 'test'),
              contents='train and test folders'),
    # Train and test have as many as CSK-Net's; how the real 3,545 are split is not published.
    mvss=dict(train=1004, dev=100, test=612, size=(320, 480),
              parts=('data', 'train.txt', 'val.txt', 'test.txt', 'test_night.txt'),
              contents='data folder and its lists'),
    fmb=dict(train=1220, test=280, size=(600, 800), parts=('train', 'test'),
             contents='train and test folders'),
    mfnet=dict(train=784, dev=392, test=393, size=(480, 640),
               parts=('images', 'labels', 'rgb', 'ir', *(f'{split}.txt' for split in (
                   'train', 'val', 'test', 'test_day', 'test_night'))),
               contents='images and labels folders, what was made of them, and its lists'),
    pst900=dict(train=606, test=288, size=(720, 1280), parts=('train', 'test'),
                contents='train and test folders'),
    deliver=dict(train=3983, dev=2005, test=1897, size=(1042, 1042),
                 parts=('img', 'depth', 'event', 'lidar', 'semantic', 'label'),
                 contents='folders of its modalities and labels'))
WRITERS: dict[str, Callable] = dict(
    nyuv2=write_nyuv2_layout, cremad=write_cremad_layout, msrs=write_msrs_layout,
    crisismmd=write_crisismmd_layout, mvss=write_mvss_layout, fmb=write_fmb_layout,
    mfnet=write_mfnet_layout, pst900=write_pst900_layout, deliver=write_deliver_layout)


def at_least(low: int, text: str) -> int:
    """``text`` as an integer that is not below ``low``."""
    value = int(text)
    if value < low:
        raise argparse.ArgumentTypeError(f'{value} is below {low}')
    return value


def defaults(name: str) -> str:
    """Text for the help: the default of ``name`` for each layout that has one."""
    values = {layout: spec[name] for layout, spec in LAYOUTS.items() if name in spec}
    return ', '.join(f'{" ".join(map(str, value)) if isinstance(value, tuple) else value} for '
                     f'{layout}' for layout, value in values.items())


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of the command, with the defaults of the layout."""
    count: Any = partial(at_least, 1)
    natural: Any = partial(at_least, 0)
    # argparse names the type in its message when the text is no number at all.
    count.__name__ = natural.__name__ = 'whole number'
    parser = argparse.ArgumentParser('mmfkd prepare synthetic', description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path, help='The folder to write into, such as data/nyuv2.')
    parser.add_argument('--layout', choices=list(LAYOUTS), default='nyuv2',
                        help='The data set whose layout is written (default: nyuv2).')
    for split, purpose in dict(train='training', dev='selection', test='test').items():
        parser.add_argument(f'--{split}', type=count,
                            help=f'The number of {purpose} samples (default: {defaults(split)}).')
    parser.add_argument('--size', type=count, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help=f'The size in pixels (default: {defaults("size")}).')
    parser.add_argument('--seed', type=natural, default=0,
                        help='The seed of the samples (default: 0).')
    parser.add_argument('--overwrite', action='store_true',
                        help='Delete what the layout writes in a root that is not empty, such as '
                             'the folders train and test of nyuv2.')
    args = parser.parse_args(argv)
    spec = LAYOUTS[args.layout]
    if args.dev is not None and 'dev' not in spec:
        parser.error(f'--dev: the layout {args.layout} has no such split; leave it out')
    for name in ('train', 'dev', 'test', 'size'):
        if getattr(args, name) is None:
            setattr(args, name, spec.get(name))
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if args.root.exists() and not args.root.is_dir():
        sys.exit(f'{args.root} is a file: name a folder')
    if args.root.is_dir() and any(args.root.iterdir()):
        if not args.overwrite:
            sys.exit(f'{args.root} is not empty: name another folder, or pass --overwrite to '
                     f"replace its {LAYOUTS[args.layout]['contents']}")
        frames = args.root / 'frames'
        if args.layout == 'cremad' and frames.exists():
            # mmfkd prepare cremad would take them for those of the new clips of these names.
            sys.exit(f'{frames} was extracted from the clips to be replaced: remove it first')
        # Files left from a larger run would mix with the new ones.
        for part in LAYOUTS[args.layout]['parts']:
            shutil.rmtree(args.root / part, ignore_errors=True)
            if (args.root / part).is_file():
                (args.root / part).unlink()
    progress = partial(tqdm, desc='scenes', unit='scene')
    counts = (args.train, args.test) if args.dev is None else (args.train, args.dev, args.test)
    WRITERS[args.layout](args.root, *counts, tuple(args.size), args.seed, progress)
    if args.layout == 'crisismmd':
        write_tiny_bert(args.root / 'bert', args.seed)


if __name__ == '__main__':
    main()
