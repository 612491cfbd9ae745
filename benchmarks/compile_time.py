"""Times epochs of a distillation whose student's backbone is compiled, against plain ones.

Both are trained by the real runner from files, and take turns. Their first epochs, in which is
compiled, do not count. Teachers have random weights.

Example::

    python benchmarks/compile_time.py mars_aux2gray --method fdkd --samples 96 --threads 1
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import torch
from epoch_time import TEACHER, random_weights, seconds, shortened

from mmfkd.config import Pair, compose
from mmfkd.devices import default_device, device_name


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pair', metavar='DATASET_A2B')
    parser.add_argument('--method', default='fdkd')
    parser.add_argument('--backend', default='inductor')
    parser.add_argument('--samples', type=int, default=96, help='The number of training samples.')
    parser.add_argument('--batch', type=int,
                        help="The number of samples of a step (default: the config's).")
    parser.add_argument('--epochs', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    pair = Pair.parse(args.pair)
    hooks = {'plain': [], 'compiled': [dict(type='CompileHook',
                                            options=dict(backend=args.backend))]}
    first: dict[str, list[float]] = {name: [] for name in hooks}
    later: dict[str, list[float]] = {name: [] for name in hooks}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = random_weights(pair.teacher_config, Path(folder, 'teacher.pth'))
        for _ in range(args.rounds):
            for name, added in hooks.items():
                cfg = shortened(compose(pair, args.method), args, Path(folder, 'run'))
                cfg.merge_from_dict({f'{TEACHER}.checkpoint': str(checkpoint)})
                cfg.custom_hooks = [*cfg.get('custom_hooks', []), *added]
                begun, *rest = seconds(cfg)
                first[name].append(begun)
                later[name].extend(rest)
    plain = median(later['plain'])
    print(f'{pair} by {args.method}: epochs of {args.samples} samples, '
          f'{device_name(default_device())}, {torch.get_num_threads()} threads: {plain:.2f} s')
    print(f"compiled by {args.backend}: {median(later['compiled']) / plain:.2f} of it; the first "
          f"epoch {max(first['compiled']) - median(first['plain']):.0f} s longer")


if __name__ == '__main__':
    main()
