"""Measure mean and deviation of each modality, for ``norm`` of its branch.

Training samples are read as the test set is, without augmentation.

Example::

    mmfkd analyze values configs/unimodal/mine_thermal.py
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from mmengine.config import Config
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from mmfkd.analysis.values import Moments, moments_of
from mmfkd.cli.options import add_config_options
from mmfkd.config import branch_config, load_distiller_config
from mmfkd.config.options import datasets_of
from mmfkd.registry import DATASETS
from mmfkd.visualization.tables import whole_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze values', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='The config, such as configs/unimodal/nyuv2_depth.py.')
    parser.add_argument('--samples', type=int, default=500,
                        help='The number of training samples, drawn at random (default: 500).')
    add_config_options(parser)
    args = parser.parse_args(argv)
    if args.samples < 1:
        parser.error(f'--samples {args.samples}: take 1 or more')
    return args


def drawn(cfg: Config, count: int) -> Iterator[Mapping[str, Tensor]]:
    """Inputs of training samples, the same in each call.

    Args:
        cfg: of a run.
        count: at most so many.

    Raises:
        ValueError: the config has no data set for training.
    """
    data = (cfg.get('train_dataloader') or {}).get('dataset')
    if not data:
        raise ValueError(f'{cfg.filename} has no train_dataloader.dataset')
    pipelines = [part['pipeline'] for part in datasets_of(cfg.get('test_dataloader'))
                 if part.get('pipeline')]
    for part in datasets_of(cfg.train_dataloader):
        if pipelines and 'pipeline' in part:
            part['pipeline'] = pipelines[0]
    dataset = DATASETS.build(data)
    places = np.random.default_rng(0).permutation(len(dataset))[:count]
    for place in track(places.tolist(), 'reading', console=Console(stderr=True)):
        yield dataset[place]['inputs']


def table_of(found: Mapping[str, Moments]) -> Table:
    """A row for each channel, in the order in which it is loaded."""
    table = whole_table('modality', 'channel', 'lowest', 'highest', 'mean', 'std')
    for name, moments in found.items():
        columns = zip(moments.low, moments.high, moments.mean, moments.std, strict=True)
        for channel, numbers in enumerate(columns):
            table.add_row(name, str(channel), *(f'{number:.6g}' for number in numbers))
    return table


def norm_of(moments: Moments, flipped: bool) -> str:
    """The line of a config.

    Args:
        moments: of the channels as they are loaded.
        flipped: whether the branch reverses them first.
    """
    mean, std = ([float(f'{value:.5g}') for value in (values.flip(0) if flipped else values)]
                 for values in (moments.mean, moments.std))
    return f'norm=dict(mean={mean}, std={std}{", bgr_to_rgb=True" if flipped else ""})'


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        cfg = load_distiller_config(args.config, args.cfg_options, teachers=False)
        found = moments_of(drawn(cfg, args.samples))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    console = Console()
    if found:
        console.print(table_of(found))
    for student in map(branch_config, cfg.model.students.values()):
        taken, norm = student['modality'], student.get('norm') or {}
        alone = isinstance(taken, str)
        for name in (taken,) if alone else taken:
            own = norm if alone else norm.get(name) or {}
            line = (norm_of(found[name], bool(own.get('bgr_to_rgb'))) if name in found else
                    'it comes as tokens or as a wave, which take no norm')
            console.print(f'{name}: {line}', markup=False, soft_wrap=True)


if __name__ == '__main__':
    main()
