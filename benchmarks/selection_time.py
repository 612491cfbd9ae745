"""Times C2KD's selection by Kendall's τ against a loop over the samples with scipy.

Example::

    python benchmarks/selection_time.py --shape 512 50 --threads 2
"""

import argparse
from statistics import median

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor

from mmfkd.analysis import compare
from mmfkd.devices import default_device
from mmfkd.models.losses.c2kd import kendall_tau


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--shape', nargs=2, type=int, default=(512, 50),
                        metavar=('SAMPLES', 'CLASSES'))
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--warmup', type=int, default=2)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def by_loop(a: Tensor, b: Tensor) -> np.ndarray:
    """τ of each row, one after the other, on the CPU."""
    return np.array([kendalltau(x, y).statistic for x, y in zip(a.cpu().numpy(), b.cpu().numpy(),
                                                                strict=True)])


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = default_device()
    a, b = torch.randn(2, *args.shape, device=device)
    times = compare(lambda: by_loop(a, b), lambda: kendall_tau(a, b), args.steps, args.warmup,
                    device)
    loop, batch = median(times['full']), median(times['floor'])
    difference = np.abs(by_loop(a, b) - kendall_tau(a, b).cpu().numpy()).max()
    print(f'{args.shape[0]} samples of {args.shape[1]} classes, {device}, '
          f'{torch.get_num_threads()} threads, medians of {args.steps}: loop {loop * 1e3:.1f} ms, '
          f'batch {batch * 1e3:.1f} ms, ratio {loop / batch:.0f}, largest difference '
          f'{difference:.1e}')


if __name__ == '__main__':
    main()
