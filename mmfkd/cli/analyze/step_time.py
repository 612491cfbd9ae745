"""Time training steps: their phases, and their ratio to a bare PyTorch loop.

The loop runs the teachers too, or, with --against plain, the students alone: the price of
distillation. The batch is random; teachers that have no checkpoint get random weights, which take
as long.

Examples::

    mmfkd analyze step_time configs/fdkd/nyuv2_depth2rgb.py --size 240 320 --batch 4
    mmfkd analyze step_time {kd,ofd,afd}/avdigits_visual2audio --against plain --memory
    mmfkd analyze step_time kd/avdigits_visual2audio --devices cpu cuda:0
"""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import median

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Column, Table
from torch.utils.data import DataLoader

from mmfkd.analysis import Floor, compare, time_fetching, time_phases
from mmfkd.analysis.memory import peak_memory
from mmfkd.analysis.sizes import branch_modalities, sizes_of, spelled_sizes
from mmfkd.analysis.untrained import build_model, random_data
from mmfkd.cli.options import add_config_options
from mmfkd.config import load_distiller_config
from mmfkd.devices import default_device, device_name, torch_device
from mmfkd.models import CrossModalDistiller


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze step_time', description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='+', metavar='config',
                        help='The config, such as configs/fdkd/synthetic_depth2rgb.py.')
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'),
                        help='The size of the random batch in pixels (default: what the pipeline '
                             'makes, else 240 320).')
    parser.add_argument('--batch', type=int,
                        help="The number of samples of a step (default: the config's).")
    parser.add_argument('--steps', type=int, default=10,
                        help='The number of timed steps (default: 10).')
    parser.add_argument('--warmup', type=int, default=3,
                        help='The number of untimed steps before (default: 3).')
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    parser.add_argument('--against', choices=('floor', 'plain'), default='floor',
                        help='The loop to compare with: teachers and students (floor, default), or '
                             'students alone (plain).')
    parser.add_argument('--devices', nargs='+', type=torch_device, metavar='DEVICE',
                        default=[default_device()],
                        help='The devices to measure on, one after the other, such as cpu cuda:1 '
                             '(default: the first GPU, else the CPU).')
    parser.add_argument('--memory', action='store_true',
                        help='Measure the peak memory of a step too, weights included, and its '
                             'ratio to that of the students alone.')
    parser.add_argument('--json', type=Path, metavar='FILE', help='Write the result to this file.')
    add_config_options(parser)
    return parser.parse_args(argv)


def load_config(path: str, args: argparse.Namespace) -> Config:
    """A config with the command's options in it.

    Raises:
        ValueError: the config has no student, or trains in another precision than the floor.
    """
    cfg = load_distiller_config(path, args.cfg_options)
    if cfg.optim_wrapper.get('type', 'OptimWrapper') != 'OptimWrapper':
        raise ValueError(f'optim_wrapper.type={cfg.optim_wrapper.type}: the floor is a float32 '
                         'loop, so compare with --cfg-options optim_wrapper.type=OptimWrapper')
    return cfg


def build_loader(cfg: Config) -> tuple[DataLoader | None, str]:
    """The train dataloader in this process, and what to know about its time.

    In this process, because the time between two fetches from workers depends on what the
    workers did meanwhile.
    """
    loader = dict(cfg.train_dataloader, num_workers=0, persistent_workers=False)
    loader.pop('prefetch_factor', None)
    try:
        built = Runner.build_dataloader(loader, seed=0)
    except FileNotFoundError as error:
        return None, f'not timed: {error}'
    if len(built) == 0:
        return None, f'not timed: the data set has less than {loader["batch_size"]} samples'
    workers = cfg.train_dataloader.get('num_workers', 0)
    return built, f'in one process; {workers} workers of the config do it beside the training'


def measure(model: CrossModalDistiller, cfg: Config, args: argparse.Namespace,
            device: torch.device) -> dict:
    """Seconds of the undivided steps and of the phases; see mmfkd.analysis.step_time."""
    model.to(device).train()
    sizes = sizes_of(branch_modalities(cfg.model), cfg.train_dataloader.dataset, args.size)
    batch = random_data(model, sizes, cfg.train_dataloader.batch_size)
    data = model.data_preprocessor(batch, training=True)
    floor = Floor(model, cfg.optim_wrapper, data['inputs'], data['data_samples'],
                  teachers=args.against == 'floor')
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    times = compare(lambda: model.train_step(batch, optim_wrapper), floor.step, args.steps,
                    args.warmup, device)
    phases = time_phases(model, optim_wrapper, batch, args.steps, args.warmup, device)
    full, bare = median(times['full']), median(times['floor'])
    return dict(size=sizes, seconds=phases, full=full, floor=bare, ratio=full / bare, times=times,
                device=device_name(device),
                threads=torch.get_num_threads(), torch=torch.__version__, against=args.against)


def memory_of(cfg: Config, sizes: dict[str, tuple[int, int]], device: torch.device
              ) -> dict[str, float]:
    """Peak bytes of a step, of one with the students alone, and their ratio; with weights."""
    alone = Config(cfg.to_dict())
    alone.model.teachers, alone.model.losses = {}, {}
    peak, plain = (peak_memory(one, sizes, cfg.train_dataloader.batch_size, with_weights=True,
                               device=device)
                   for one in (cfg, alone))
    return dict(peak=peak, peak_plain=plain, memory_ratio=peak / plain)


LOOPS = dict(floor='teacher, student, backward, optimizer as a bare loop',
             plain='student, backward, optimizer as a bare loop')
NAMES = dict(floor='the floor', plain='the students alone')


def print_result(result: dict) -> None:
    """Prints the table and the ratio."""
    table = Table('', 'seconds', 'of the step', '', title_justify='left',
                  title=f'{result["config"]}: batch {result["batch"]}, '
                        f'{spelled_sizes(result["size"])}, {result["device"]}, medians of '
                        f'{result["steps"]} steps')
    for name, seconds in result['seconds'].items():
        if name == 'data':
            shown = '-' if seconds is None else f'{seconds:.4f}'
            table.add_row(name, shown, '', result['data_note'])
        else:
            table.add_row(name, f'{seconds:.4f}', f'{seconds / result["full"]:.1%}', '')
    table.add_section()
    table.add_row('full step', f'{result["full"]:.4f}', '', 'train_step, undivided')
    against = result['against']
    table.add_row(against, f'{result["floor"]:.4f}', '', LOOPS[against])
    Console(markup=False).print(table)
    print(f'ratio to {NAMES[against]}: {result["ratio"]:.2f}')
    if 'peak' in result:
        print(f'peak memory: {result["peak"] / 2**20:.0f} MiB, {result["memory_ratio"]:.2f} of '
              'that of the students alone')


def time_config(path: str, args: argparse.Namespace, device: torch.device) -> dict:
    """What :func:`print_result` prints of a config."""
    cfg = load_config(path, args)
    if args.batch:
        cfg.train_dataloader.batch_size = args.batch
    loader, note = build_loader(cfg)
    fetching = None if loader is None else time_fetching(loader, args.steps, args.warmup)
    result = measure(build_model(cfg), cfg, args, device)
    if args.memory:
        result.update(memory_of(cfg, result['size'], device))
    result['seconds'] = dict(data=fetching, **result['seconds'])
    return dict(result, config=path, batch=cfg.train_dataloader.batch_size, steps=args.steps,
                warmup=args.warmup, data_note=note)


def print_ratios(results: Sequence[dict]) -> None:
    """Prints a line a config and device."""
    memory = 'peak' in results[0]
    several = len({result['device'] for result in results}) > 1
    table = Table(f'{results[0]["against"]} (s)', 'full step (s)', 'ratio',
                  *(['memory (MiB)', 'ratio'] if memory else []),
                  *(['device'] if several else []), Column('config', overflow='fold'))
    for result in results:
        peaks = ([f'{result["peak"] / 2**20:.0f}', f'{result["memory_ratio"]:.2f}'] if memory
                 else [])
        table.add_row(f'{result["floor"]:.4f}', f'{result["full"]:.4f}',
                      f'{result["ratio"]:.2f}', *peaks,
                      *([result['device']] if several else []), result['config'])
    Console(markup=False).print(table)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    results = []
    for path, device in product(args.configs, args.devices):
        try:
            results.append(time_config(path, args, device))
        except (FileNotFoundError, ValueError) as error:
            sys.exit(str(error))
        print_result(results[-1])
    if len(results) > 1:
        print_ratios(results)
    if args.json:
        written = results[0] if len(results) == 1 else results
        args.json.write_text(json.dumps(written, indent=2) + '\n')


if __name__ == '__main__':
    main()
