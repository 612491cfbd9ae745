"""Measure mean and deviation of the features of each modality (FDKD, Figure 2).

Example::

    mmfkd analyze feature_scale configs/fdkd/cremad_visual2audio.py best -o scale.png
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from mmfkd.analysis.feature_scale import Scale, feature_scale, pooled_scale
from mmfkd.visualization.charts import bars
from mmfkd.visualization.tables import whole_table

from .options import (
    add_data,
    add_source,
    add_taps,
    measure_taps,
    write_result,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze feature_scale', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source(parser)
    add_taps(parser)
    add_data(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace) -> tuple[dict[str, tuple[str, Scale]], str]:
    """Modality and scale of each tap, and the checkpoint's path."""
    return measure_taps(args, lambda key, feat: feature_scale(feat), pooled_scale)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        scales, path = measure(args)
    except (FileNotFoundError, KeyError, ValueError) as error:
        sys.exit(str(error))
    table = whole_table('modality', 'tap', 'mean', 'std')
    for key, (modality, scale) in scales.items():
        table.add_row(modality, key, f'{scale.mean:.4f}', f'{scale.std:.4f}')
    print(f'{args.config}, {args.split}')
    Console().print(table)
    titles = {key: f'{modality}\n{key}' for key, (modality, _) in scales.items()}
    figure = bars({titles[key]: dict(mean=scale.mean) for key, (_, scale) in scales.items()},
                  'mean ± std of the feature', args.split,
                  {titles[key]: dict(mean=scale.std) for key, (_, scale) in scales.items()})
    write_result(args.out, figure, dict(
        config=args.config, checkpoint=path, split=args.split,
        scales={key: dict(modality=modality, **scale._asdict())
                for key, (modality, scale) in scales.items()}))


if __name__ == '__main__':
    main()
