r"""Compare parameters, FLOPs and latency of a deployed student with those of its baseline.

A multi-modal student is taken on all of its modalities and, with --modality, on one, inside the
whole network and, where it can be exported, as what mmfkd export writes. Weights are random.
Latencies are measured in turns.

Example::

    mmfkd analyze deploy_cost configs/csknet/msrs_rgb-ir.py \
        configs/unimodal/msrs_ir.py --modality ir
"""

import argparse
import sys
from collections.abc import Sequence

import torch
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mmfkd.analysis.deployed import Case, case_of, flops, inputs_of, parameters
from mmfkd.analysis.sizes import sizes_of, spelled_sizes
from mmfkd.analysis.step_time import Stopwatch, check_counts
from mmfkd.config import load_config, student_config
from mmfkd.devices import default_device
from mmfkd.export.single_modality import ROLES, single_branch


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze deploy_cost', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='The config of the student.')
    parser.add_argument('baseline', help='The config of the baseline.')
    parser.add_argument('--modality',
                        help='The modality of a multi-modal student that is deployed (default: '
                             'all are).')
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'),
                        help="The size of the input in pixels (default: what the student's test "
                             'pipeline makes, else 240 320).')
    parser.add_argument('--steps', type=int, default=20,
                        help='The number of timed runs (default: 20).')
    parser.add_argument('--warmup', type=int, default=3,
                        help='The number of untimed runs before (default: 3).')
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args(argv)


def cases(args: argparse.Namespace) -> dict[str, Case]:
    """Name to what is compared, the baseline first."""
    spec = student_config(args.config)
    specs = {'baseline': student_config(args.baseline)}
    names = spec['modality']
    if isinstance(names, str):
        specs['student'] = spec
    else:
        if args.modality is not None:
            if args.modality not in names:
                raise ValueError(f'--modality {args.modality}: the student takes {list(names)}')
            if spec['model']['type'] in ROLES:
                specs['student, exported'] = single_branch(spec, args.modality)[0]
            specs[f'student, {args.modality} alone'] = dict(spec, available=[args.modality])
        specs['student, all'] = spec
    return {name: case_of(spec) for name, spec in specs.items()}


@torch.no_grad()
def latencies(cases: dict[str, Case], inputs: dict[str, dict[str, Tensor]], steps: int, warmup: int,
              device: torch.device) -> dict[str, float]:
    """Median seconds of a forward pass of each, measured in turns."""
    check_counts(steps, warmup)
    watch = Stopwatch(device)
    names = list(cases)
    for i in range(warmup + steps):
        # Who comes first changes, as who follows a larger network finds other caches.
        for name in names[i % len(names):] + names[:i % len(names)]:
            with watch.lap(name):
                cases[name].branch(inputs[name], record=False)
    return watch.medians(warmup)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmfkd')
    try:
        compared = cases(args)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    device = default_device()
    dataset = load_config(args.config, teachers=False).test_dataloader.dataset
    inputs, sizes = {}, {}
    for name, case in compared.items():
        case.branch.to(device)
        sizes.update(sizes_of(case.modalities, dataset, args.size))
        inputs[name] = inputs_of(case, sizes, device)
    counts = {name: parameters(case, inputs[name]) for name, case in compared.items()}
    operations = {name: flops(case, inputs[name]) for name, case in compared.items()}
    seconds = latencies(compared, inputs, args.steps, args.warmup, device)
    table = Table('', 'parameters', 'FLOPs', 'milliseconds', 'ratios', title_justify='left',
                  title=spelled_sizes(sizes))
    for name in compared:
        ratios = (values[name] / values['baseline'] for values in (counts, operations, seconds))
        table.add_row(name, f'{counts[name]:,}', f'{operations[name]:,}',
                      f'{1000 * seconds[name]:.1f}', ', '.join(f'{ratio:.3f}' for ratio in ratios))
    Console(width=120).print(table)


if __name__ == '__main__':
    main()
