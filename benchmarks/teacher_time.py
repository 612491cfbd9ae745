"""Times the pass of a teacher with its channels last and at lower precision, against a plain one.

The network is the DeepLabV3+ of NYU Depth V2 with random weights. Passes take turns, and the time
of the processor counts where there is no GPU, so that other work beside it does not.

Example::

    python benchmarks/teacher_time.py --depth 101 --size 96 96 --batch 4 --threads 1
"""

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time

import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from mmfkd.config import student_config
from mmfkd.models.frozen_branch import FrozenBranch

# channels_last and autocast of a teacher.
OPTIONS = {'plain': (False, None), 'channels_last': (True, None),
           "autocast='bfloat16'": (False, 'bfloat16'), 'both': (True, 'bfloat16')}


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--depth', type=int, default=18, choices=(18, 50, 101))
    parser.add_argument('--size', nargs=2, type=int, default=(128, 128), metavar=('H', 'W'))
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--passes', type=int, default=5)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def branch_of(depth: int) -> dict:
    """Arguments of a branch on a ResNet of some depth, with a tap on its logits."""
    branch = student_config('unimodal/nyuv2_depth')
    branch['model']['backbone'].update(depth=depth, init_cfg=None)
    if depth > 18:
        branch['model']['decode_head'].update(in_channels=2048, c1_in_channels=256)
    return dict(branch, taps=dict(logits=branch['taps']['logits']))


@torch.no_grad()
def logits(branch: FrozenBranch, images: dict[str, Tensor]) -> Tensor:
    """What its tap records."""
    return branch(images, record=['logits']).feats['logits']


def seconds(run: Callable, cuda: bool) -> float:
    """Of one pass: of the clock with a GPU, of the processor without."""
    clock = perf_counter if cuda else process_time
    start = clock()
    run()
    if cuda:
        torch.cuda.synchronize()
    return clock() - start


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmfkd')
    cuda = torch.cuda.is_available()
    device = 'cuda' if cuda else 'cpu'
    images = dict(depth=torch.randint(0, 5000, (args.batch, 1, *args.size)).float().to(device))
    passes = {}
    for name, (channels_last, autocast) in OPTIONS.items():
        torch.manual_seed(0)
        branch = dict(branch_of(args.depth), channels_last=channels_last)
        passes[name] = partial(logits, FrozenBranch(branch, autocast).to(device), images)
    found = {name: run() for name, run in passes.items()}
    times: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(args.passes):
        for name, run in passes.items():
            times[name].append(seconds(run, cuda))
    plain = median(times['plain'])
    print(f'ResNet-{args.depth}, {args.batch} x {args.size[0]}x{args.size[1]}, {device}, '
          f'{torch.get_num_threads()} threads: {plain * 1e3:.0f} ms')
    for name, values in times.items():
        gap = (found[name].float() - found['plain']).norm() / found['plain'].norm()
        print(f'{name}: {median(values) / plain:.2f} of it, logits differ by {gap:.1e}')


if __name__ == '__main__':
    main()
