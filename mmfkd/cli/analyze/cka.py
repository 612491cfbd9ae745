"""Compare the features of two branches, whole and by band, by linear CKA (FDKD, Figure 1).

Give the checkpoint of a baseline, in place of a distilled student's, to compare two networks that
were trained apart, as in the paper.

Example::

    mmfkd analyze cka configs/fdkd/cremad_visual2audio.py best -o cka.png
"""

import argparse
import sys
from collections.abc import Sequence

import torch
from rich.console import Console
from torch.utils.data import DataLoader

from mmfkd.analysis.features import collect_features, draw_vectors, feature_batches
from mmfkd.analysis.similarity import StreamingCKA, band_cka, band_views
from mmfkd.config import load_distiller_config
from mmfkd.inference.loading import load_distiller
from mmfkd.models import CrossModalDistiller
from mmfkd.visualization.charts import bars
from mmfkd.visualization.tables import whole_table

from .options import (
    add_data,
    add_pixels,
    add_source,
    split_loader,
    write_result,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze cka', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source(parser)
    parser.add_argument('--taps', nargs=2, default=['student.feat', 'teacher.feat'],
                        metavar='BRANCH.TAP',
                        help='The taps to compare (default: student.feat teacher.feat).')
    parser.add_argument('--cutoff', type=float, default=0.5,
                        help='The share of the frequencies that is low (default: 0.5).')
    parser.add_argument('--keep-dc', action='store_true',
                        help="Leave a feature's mean in its low band.")
    parser.add_argument('--streaming', action='store_true',
                        help='Keep moments instead of features, for sets that do not fit.')
    add_pixels(parser, 64)
    add_data(parser)
    return parser.parse_args(argv)


def streamed(model: CrossModalDistiller, loader: DataLoader, args: argparse.Namespace
             ) -> tuple[dict[str, float], int]:
    """Scores of raw features, low and high band, and the number of samples, batch by batch."""
    generator = torch.Generator().manual_seed(args.seed)
    scores = {name: StreamingCKA() for name in ('raw', 'low', 'high')}
    for feats, samples in feature_batches(model, loader, args.taps, args.limit):
        rows, _ = draw_vectors(feats, samples, args.pixels, generator)
        views = [band_views(rows[key], args.cutoff, args.keep_dc) for key in args.taps]
        for name, score in scores.items():
            score.update(views[0][name], views[1][name])
    return {name: score.compute() for name, score in scores.items()}, scores['raw'].count


def at_once(model: CrossModalDistiller, loader: DataLoader, args: argparse.Namespace
            ) -> tuple[dict[str, float], int]:
    """Likewise, from all features."""
    found = collect_features(model, loader, args.taps, args.limit, args.pixels, args.seed)
    x, y = (found.values[key] for key in args.taps)
    return band_cka(x, y, args.cutoff, args.keep_dc), len(x)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        cfg = load_distiller_config(args.config, args.cfg_options)
        model, path = load_distiller(cfg, args.checkpoint, args.taps)
        measure = streamed if args.streaming else at_once
        scores, count = measure(model, split_loader(cfg, args.split, args.limit), args)
    except (FileNotFoundError, KeyError, ValueError) as error:
        sys.exit(str(error))
    title = f'{" and ".join(args.taps)}, {args.split}, n = {count}'
    table = whole_table('feature', 'CKA')
    for name, score in scores.items():
        table.add_row(name, f'{score:.4f}')
    print(title)
    Console().print(table)
    figure = bars({name: dict(CKA=score) for name, score in scores.items()}, 'CKA', title)
    write_result(args.out, figure, dict(
        config=args.config, checkpoint=str(path), split=args.split, taps=args.taps,
        cutoff=args.cutoff, keep_dc=args.keep_dc, samples=count, cka=scores))


if __name__ == '__main__':
    main()
