"""Train a config: a baseline, a teacher or a distilled student. Missing teachers come first."""

import argparse
from collections.abc import Sequence

from .options import (
    add_config,
    add_config_options,
    add_launcher,
    add_work_dir,
    chosen_config,
    chosen_work_dir,
)


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
    add_config_options(parser)
    add_launcher(parser)
    return parser.parse_intermixed_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    cfg = chosen_config(args)

    from mmfkd.engine.training import prepare_run, train, train_missing_teachers

    cfg.launcher = args.launcher
    prepare_run(cfg, chosen_work_dir(args, cfg), args.resume, args.amp)
    train_missing_teachers(cfg, args.cfg_options, args.amp)
    train(cfg)


if __name__ == '__main__':
    main()
