"""Train a config: a baseline, a teacher or a distilled student. Missing teachers come first."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from .options import (
    add_config,
    add_config_options,
    add_launcher,
    add_work_dir,
    chosen_config,
    chosen_work_dir,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mmengine.config import Config

    from mmfkd.engine.processes import StopRequest


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of OpenMMLab's train.py, and the pair and method of a composed config."""
    parser = argparse.ArgumentParser('mmfkd train', description=__doc__)
    add_config(parser)
    add_work_dir(parser)
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='Continue from a checkpoint; without one, from the newest whole '
                             'checkpoint of the work dir.')
    parser.add_argument('--amp', action='store_true',
                        help='Train in mixed precision: float16 on GPU, bfloat16 on CPU.')
    parser.add_argument('--with-baseline', action='store_true',
                        help='Train the unimodal baseline of the student first, if it is not '
                             'trained, and report it beside the student.')
    add_config_options(parser)
    add_launcher(parser)
    return parser.parse_intermixed_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    cfg = chosen_config(args)
    work_dir = chosen_work_dir(args, cfg)

    from mmfkd.checkpoints import latest_checkpoint
    from mmfkd.engine.processes import leave, stoppable

    try:
        with stoppable() as request:
            train(args, cfg, work_dir, request)
    except KeyboardInterrupt as stop:
        newest = latest_checkpoint(work_dir)[0]
        kept = (f'--resume goes on from {newest}' if newest else
                f'{work_dir} holds no checkpoint yet, so that there is nothing to resume')
        leave(stop, f'stopped; {kept}')


def train(args: argparse.Namespace, cfg: 'Config', work_dir: 'Path | str',
          request: 'StopRequest') -> None:
    """Trains in a work dir that no other process uses; in one that does, waits for its result."""
    from mmfkd.engine.baselines import ended_baseline, train_missing_baseline, weak_teachers
    from mmfkd.engine.checks import check_config
    from mmfkd.engine.distributed import first_rank
    from mmfkd.engine.teachers import train_missing_teachers
    from mmfkd.engine.training import is_complete, prepare_run, train_config
    from mmfkd.engine.work_dir_lock import locked

    cfg.launcher = args.launcher
    check_config(cfg)
    alone = args.launcher == 'none'
    # Of several processes the first one holds the lock; the others cannot wait for it.
    first = first_rank(args.launcher)
    with locked(work_dir, wait=alone) if first else nullcontext(False) as waited:
        if (waited or args.resume == 'auto') and is_complete(
                cfg, work_dir, args.cfg_options, args.amp):
            print(f'the run in {work_dir} has ended: nothing is left to do')
            return
        prepare_run(cfg, work_dir, args.resume, args.amp)
        train_missing_teachers(cfg, args.cfg_options, args.amp)
        baseline = (train_missing_baseline(cfg, args.cfg_options, args.amp)
                    if args.with_baseline else ended_baseline(cfg))
        if baseline and not args.with_baseline and first:
            print(f'{baseline} holds the baseline that is compared with', flush=True)
        for sentence in weak_teachers(cfg, baseline) if baseline and first else ():
            print(sentence, flush=True)
        train_config(cfg, request, baseline, args.with_baseline,
                     dict(options=args.cfg_options, amp=args.amp))


if __name__ == '__main__':
    main()
