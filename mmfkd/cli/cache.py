"""Compute the outputs of a config's teachers for every view, before or beside trainings."""

import argparse
import sys
from collections.abc import Sequence

from .options import add_config, add_config_options, add_launcher, chosen_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd cache', description=__doc__)
    add_config(parser)
    parser.add_argument('--amp', action='store_true',
                        help='Compute in mixed precision, as trainings with --amp do.')
    add_config_options(parser)
    add_launcher(parser)
    return parser.parse_intermixed_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    cfg = chosen_config(args)

    from mmfkd.caching.options import FOLDER
    from mmfkd.engine.distributed import end_together, use_gloo_without_gpu
    from mmfkd.engine.optim_wrapper import use_amp
    from mmfkd.engine.teacher_outputs import compute_outputs, use_views

    if not use_views(cfg):
        teacher = next(iter(cfg.model.get('teachers') or {}), None)
        cure = (f'add --cfg-options model.teachers.{teacher}.cache.views=8, or write it into a '
                'config' if teacher else 'it has no frozen teacher, and what a student says '
                'changes with every step')
        sys.exit(f'{cfg.filename}: no teacher has a cache: {cure}')
    cfg.launcher = args.launcher
    cfg.work_dir = str(FOLDER / 'log')
    if args.amp:
        use_amp(cfg)
    use_gloo_without_gpu(cfg)
    compute_outputs(cfg)
    end_together()


if __name__ == '__main__':
    main()
