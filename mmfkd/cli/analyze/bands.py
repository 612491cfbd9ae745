"""Measure the shares of mean, low and high band in the energy of features.

Example::

    mmfkd analyze bands configs/fdkd/nyuv2_depth2rgb.py best --taps all -o bands.png
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from torch import Tensor

from mmfkd.analysis.feature_scale import BANDS, band_energy, band_shares
from mmfkd.visualization.charts import bars
from mmfkd.visualization.tables import whole_table

from .options import (
    add_data,
    add_source,
    add_taps,
    measure_taps,
    write_result,
)

AXES: dict[str, int | tuple[int, int]] = dict(channel=1, space=(-2, -1))


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze bands', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source(parser)
    add_taps(parser)
    parser.add_argument('--cutoff', type=float, default=0.5,
                        help='The share of the frequencies that is low (default: 0.5).')
    parser.add_argument('--axis', choices=list(AXES), default='channel',
                        help='The axis of the frequencies (default: channel).')
    add_data(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace) -> tuple[dict[str, tuple[str, dict[str, float]]], str]:
    """Modality and shares of each tap, and the checkpoint's path.

    Raises:
        ValueError: bands over space of a feature that has none.
    """
    def energy(key: str, feat: Tensor) -> dict[str, float]:
        if args.axis == 'space' and feat.ndim < 4:
            raise ValueError(f"'{key}' is no map but {tuple(feat.shape)}: leave it out, or use "
                             '--axis channel')
        return band_energy(feat, args.cutoff, AXES[args.axis])

    return measure_taps(args, energy, band_shares)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        shares, path = measure(args)
    except (FileNotFoundError, KeyError, ValueError) as error:
        sys.exit(str(error))
    title = f'{args.split}, frequencies along {args.axis}, cutoff {args.cutoff:g}'
    table = whole_table('modality', 'tap', *BANDS)
    for key, (modality, share) in shares.items():
        table.add_row(modality, key, *(f'{share[band]:.1%}' for band in BANDS))
    print(title)
    Console().print(table)
    figure = bars({f'{modality}\n{key}': share for key, (modality, share) in shares.items()},
                  'share of the energy', title)
    write_result(args.out, figure, dict(
        config=args.config, checkpoint=path, split=args.split, axis=args.axis, cutoff=args.cutoff,
        shares={key: dict(modality=modality, **share)
                for key, (modality, share) in shares.items()}))


if __name__ == '__main__':
    main()
