"""Times training steps with balanced losses against steps with the same losses at fixed weights.

The batch is random, and teachers have random weights. Whole intervals are timed, in turns, so that
the steps that measure gradients count as often as in a training.

Example::

    python benchmarks/balance_time.py synthetic_depth2rgb recommended --size 64 64 --threads 2
"""

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmfkd.analysis import compare
from mmfkd.analysis.untrained import build_model, random_data
from mmfkd.config import compose
from mmfkd.devices import default_device


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pair', metavar='DATASET_A2B')
    parser.add_argument('method', help='A method whose losses are balanced, such as recommended.')
    parser.add_argument('--size', nargs=2, type=int, default=(96, 96), metavar=('H', 'W'))
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--intervals', type=int, default=6)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def interval(args: argparse.Namespace, balanced: bool, device: torch.device
             ) -> tuple[Callable[[], None], int]:
    """The training steps between two measurements, and how many they are."""
    cfg = compose(args.pair, args.method)
    lengths = {balance.interval for balance in build_model(cfg).balances.values()}
    if len(lengths) != 1:
        raise SystemExit(f'{args.method}: losses balanced at the intervals {sorted(lengths)}: '
                         'name a method with one')
    if not balanced:
        for loss in cfg.model.losses.values():
            loss.pop('balance', None)
    model = build_model(cfg).to(device).train()
    branches = [*model.students.values(), *model.teachers.values()]
    sizes = {name: tuple(args.size) for branch in branches for name in branch.modalities}
    step = partial(model.train_step, random_data(model, sizes, args.batch),
                   build_optim_wrapper(model, cfg.optim_wrapper))
    count = lengths.pop()

    def run() -> None:
        for _ in range(count):
            step()
    return run, count


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmfkd')
    device = default_device()
    balanced, count = interval(args, True, device)
    fixed, _ = interval(args, False, device)
    times = compare(balanced, fixed, args.intervals, 1, device)
    ratios = [a / b for a, b in zip(times['full'], times['floor'], strict=True)]
    print(f'{args.method} on {args.pair}, batch {args.batch} of {args.size[0]}x{args.size[1]}, '
          f'{device}, {torch.get_num_threads()} threads, {args.intervals} times {count} steps: '
          f'balanced {median(times["full"]) / count * 1e3:.1f} ms a step, fixed '
          f'{median(times["floor"]) / count * 1e3:.1f} ms, ratio {median(ratios):.3f} '
          f'({min(ratios):.3f} to {max(ratios):.3f})')


if __name__ == '__main__':
    main()
