r"""Draw the teacher's and the student's features in one plane by t-SNE (FDKD, Figure 6).

Example::

    mmfkd analyze tsne configs/feature/vggsound50_visual2audio.py:best \
        configs/fdkd/vggsound50_visual2audio.py:best --per-class 40 -o tsne.png
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmfkd.analysis.embedding import balanced_indices, embed
from mmfkd.analysis.features import IGNORED, collect_features
from mmfkd.config import config_name, load_distiller_config
from mmfkd.inference.loading import load_distiller
from mmfkd.visualization.charts import Cloud, scatter

from .options import (
    add_data,
    add_pixels,
    split_loader,
    write_result,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze tsne', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sources', nargs='+', metavar='CONFIG:CHECKPOINT',
                        help="Configs and their checkpoints. A checkpoint is a file, a work dir, "
                             "or "
                             "'best', which may be left out.")
    parser.add_argument('--taps', nargs='+', default=['student.feat', 'teacher.feat'],
                        metavar='BRANCH.TAP',
                        help='The taps to compare (default: student.feat teacher.feat).')
    parser.add_argument('--classes', nargs='+', metavar='CLASS',
                        help='The classes, by name or number (default: the six with most samples).')
    parser.add_argument('--per-class', type=int, default=30,
                        help='The number of samples, or of pixels of maps, of a class (default: '
                             '30).')
    parser.add_argument('--perplexity', type=float, default=30,
                        help='The perplexity of t-SNE (default: 30).')
    add_pixels(parser, 64)
    add_data(parser)
    return parser.parse_args(argv)


def choose_classes(wanted: Sequence[str] | None, labels: np.ndarray, names: Sequence[str]
                   ) -> list[int]:
    """Numbers of the wanted classes, or of the six that have most samples.

    Raises:
        ValueError: there is no such class.
    """
    if wanted is None:
        counts = np.bincount(labels[labels != IGNORED], minlength=len(names))
        return sorted(int(i) for i in np.argsort(-counts, kind='stable')[:6] if counts[i])
    numbers = {**{str(i): i for i in range(len(names))}, **{n: i for i, n in enumerate(names)}}
    unknown = [name for name in wanted if name not in numbers]
    if unknown:
        raise ValueError(f'--classes {" ".join(unknown)}: no such class; the data set has '
                         f'{", ".join(names)}')
    return [numbers[name] for name in wanted]


def panel(source: str, args: argparse.Namespace) -> dict:
    """Points of one config: their places by tap, their labels, and the names of the classes.

    Raises:
        ValueError: the samples have no labels that belong to the features.
    """
    config, _, checkpoint = source.partition(':')
    cfg = load_distiller_config(config, args.cfg_options)
    model, path = load_distiller(cfg, checkpoint or 'best', args.taps)
    loader = split_loader(cfg, args.split, args.limit)
    found = collect_features(model, loader, args.taps, args.limit, args.pixels, args.seed)
    if found.labels is None:
        raise ValueError(f'{config}: there is no label for each row of {" and ".join(args.taps)}; '
                         'tap vectors of a classifier or maps of a segmentor')
    dataset: Any = loader.dataset
    names = dataset.metainfo['classes']
    classes = choose_classes(args.classes, found.labels, names)
    chosen = balanced_indices(found.labels, args.per_class, classes, args.seed)
    points = embed({key: x[chosen] for key, x in found.values.items()}, args.perplexity, args.seed)
    return dict(config=config, checkpoint=str(path), points=points, labels=found.labels[chosen],
                classes={number: names[number] for number in classes})


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        panels = [panel(source, args) for source in args.sources]
    except (FileNotFoundError, KeyError, ValueError) as error:
        sys.exit(str(error))
    names = {number: name for found in panels for number, name in found['classes'].items()}
    figure = scatter([Cloud(config_name(found['config']),
                            found['points'], found['labels']) for found in panels], names)
    write_result(args.out, figure, dict(
        split=args.split, seed=args.seed, perplexity=args.perplexity,
        panels=[dict(config=found['config'], checkpoint=found['checkpoint'],
                     classes=found['classes'], labels=found['labels'].tolist(),
                     points={key: xy.tolist() for key, xy in found['points'].items()})
                for found in panels]))


if __name__ == '__main__':
    main()
