"""Draw loss and gradient of MSE and logMSE over the difference of two values (FDKD, Figure 4).

Example::

    mmfkd analyze loss_shapes -o loss_shapes.png
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from mmfkd.analysis.loss_shapes import log_mse_shape, mse_shape
from mmfkd.visualization.charts import lines

from .options import add_out, write_result


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze loss_shapes', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--range', type=float, default=5.0,
                        help='The largest difference, either way (default: 5).')
    parser.add_argument('--points', type=int, default=401,
                        help='The number of points of a curve (default: 401).')
    parser.add_argument('--teacher', type=float, default=0.0,
                        help="The teacher's value, on which logMSE depends (default: 0).")
    add_out(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if args.range <= 0 or args.points < 2:
        sys.exit(f'--range {args.range:g} must be above 0 and --points {args.points} at least 2')
    x = np.linspace(-args.range, args.range, args.points)
    shapes = dict(MSE=mse_shape(x), logMSE=log_mse_shape(x, args.teacher))
    panels = {part: {name: getattr(shape, part) for name, shape in shapes.items()}
              for part in ('loss', 'gradient')}
    write_result(args.out, lines(x, panels, 'student - teacher'), dict(
        teacher=args.teacher, difference=x.tolist(),
        **{part: {name: y.tolist() for name, y in curves.items()}
           for part, curves in panels.items()}))


if __name__ == '__main__':
    main()
