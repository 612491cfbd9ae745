r"""Measure what one loss costs in a training step: ratios of time and of peak memory.

The batch is random; teachers that have no checkpoint get random weights. Time is measured in
turns with and without the loss, memory in a process for each.

Example::

    mmfkd analyze loss_cost configs/csknet/msrs_rgb-ir.py loss_contrast \
        --size 480 640 --batch 2
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from mmfkd.analysis.loss_cost import medians, time_without, without_loss
from mmfkd.analysis.memory import peak_memory
from mmfkd.analysis.sizes import branch_modalities, sizes_of, spelled_sizes
from mmfkd.cli.options import add_config_options
from mmfkd.config import load_distiller_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze loss_cost', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='The config, such as configs/csknet/msrs_rgb-ir.py.')
    parser.add_argument('loss', help='The name of the loss in model.losses, such as loss_contrast.')
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'),
                        help='The size of the random batch in pixels (default: what the pipeline '
                             'makes, else 240 320).')
    parser.add_argument('--batch', type=int,
                        help="The number of samples of a step (default: the config's).")
    parser.add_argument('--steps', type=int, default=5,
                        help='The number of timed steps (default: 5).')
    parser.add_argument('--warmup', type=int, default=1,
                        help='The number of untimed steps before (default: 1).')
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    parser.add_argument('--json', type=Path, metavar='FILE', help='Write the result to this file.')
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        cfg = load_distiller_config(args.config, args.cfg_options)
        reduced = without_loss(cfg, args.loss)
        sizes = sizes_of(branch_modalities(cfg.model), cfg.train_dataloader.dataset, args.size)
        batch = cfg.train_dataloader.batch_size if args.batch is None else args.batch
        times = time_without(cfg, reduced, sizes, batch, args.steps, args.warmup)
        peaks = [peak_memory(one, sizes, batch) for one in (cfg, reduced)]
    except KeyError as error:
        sys.exit(error.args[0])
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    seconds, bare = medians(times)
    result = dict(config=args.config, loss=args.loss, size=sizes, batch=batch,
                  seconds=seconds, seconds_without=bare, time_ratio=seconds / bare,
                  peak=peaks[0], peak_without=peaks[1], memory_ratio=peaks[0] / peaks[1],
                  threads=torch.get_num_threads())
    print(f'{args.config}, {args.loss}, batch {batch}, {spelled_sizes(sizes)}')
    print(f'step: {seconds:.3f} s, {bare:.3f} s without: ratio {seconds / bare:.3f}')
    print(f'peak: {peaks[0] / 2**20:.0f} MiB, {peaks[1] / 2**20:.0f} MiB without: ratio '
          f'{peaks[0] / peaks[1]:.3f}')
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + '\n')


if __name__ == '__main__':
    main()
