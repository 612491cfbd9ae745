"""Measures the peak memory of a distillation with and without kept teacher outputs.

Everything is read from files and trained by the real runner, as in epoch_time.py, each run in a
process of its own: the baseline, the distillation with its teacher, and with a cache of one view,
in an epoch that computes it (cold) and in one that reads it (warm). On a GPU the peak is that of
PyTorch's tensors, else the process's largest resident memory. Teachers have random weights.

Example::

    python benchmarks/peak_memory.py nyuv2_depth2rgb --methods fdkd kd --samples 8 --batch 2
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from epoch_time import TEACHER, random_weights, seconds, shortened
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from mmfkd.analysis.memory import largest
from mmfkd.config import Pair, compose, load_config
from mmfkd.devices import default_device, device_name

KINDS = ('baseline', 'with teacher', 'cold', 'warm')


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pair', metavar='DATASET_A2B')
    parser.add_argument('--methods', nargs='+', default=['fdkd', 'kd'])
    parser.add_argument('--samples', type=int, default=8, help='The number of training samples.')
    parser.add_argument('--batch', type=int,
                        help="The number of samples of a step (default: the config's).")
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    parser.set_defaults(epochs=1, workers=0)
    return parser.parse_args()


def peak(args: argparse.Namespace, method: str, kind: str, folder: Path) -> float:
    """MiB at the peak of one epoch, by a process that does nothing else."""
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmfkd')
    pair = Pair.parse(args.pair)
    if kind == 'baseline':
        cfg = load_config(pair.student_config)
    else:
        cfg = compose(pair, method)
        cfg.merge_from_dict({f'{TEACHER}.checkpoint': str(folder / 'teacher.pth')})
        if kind != 'with teacher':
            cfg.merge_from_dict({f'{TEACHER}.cache': dict(folder=str(folder / method), views=1)})
    seconds(shortened(cfg, args, folder / 'run'))
    return largest(default_device()) / 2 ** 20


def alone(args: argparse.Namespace, method: str, kind: str, folder: Path) -> float:
    """:func:`peak` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        return pool.submit(peak, args, method, kind, folder).result()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    table = Table('method', 'baseline (MiB)', *KINDS[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random_weights(Pair.parse(args.pair).teacher_config, folder / 'teacher.pth')
        for method in args.methods:
            base, *others = (alone(args, method, kind, folder) for kind in KINDS)
            table.add_row(method, f'{base:.0f}', *(f'{value / base:.2f}' for value in others))
    device = device_name(default_device())
    print(f'{args.pair}: one epoch of {args.samples} samples, {device}, ratios to the baseline')
    Console(markup=False).print(table)


if __name__ == '__main__':
    main()
