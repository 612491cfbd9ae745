"""Tests a student of a checkpoint, by default the config's first."""

import argparse
import sys
from pathlib import Path

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    """Options of OpenMMLab's test.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint',
                        help="a file, or 'best' for the selected one in the work dir")
    parser.add_argument('--student', help='name of the student; default: the first')
    parser.add_argument('--work-dir', help='default: work_dirs/<method>/<config>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        help='key=value pairs that override the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()

    from mmengine.runner import Runner

    from mmfkd.apis.distributed import use_gloo_without_gpu
    from mmfkd.apis.options import merge_options
    from mmfkd.checkpoints import (
        branch_weights,
        default_work_dir,
        load_strictly,
        load_weights,
        resolve_checkpoint,
        student_config,
    )

    if not Path(args.config).is_file():
        sys.exit(f'config {args.config} does not exist; ls configs/*/ lists them')
    cfg = Config.fromfile(args.config)
    merge_options(cfg, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or str(default_work_dir(args.config))
    # The student alone is tested: no teacher has to be there.
    cfg.model.students = dict(student=student_config(cfg, args.student))
    cfg.model.teachers, cfg.model.losses = {}, {}
    use_gloo_without_gpu(cfg)
    path = resolve_checkpoint(cfg.work_dir if args.checkpoint == 'best' else args.checkpoint)
    runner = Runner.from_cfg(cfg)
    model = getattr(runner.model, 'module', runner.model)
    load_strictly(model.student.model, branch_weights(load_weights(path), args.student), path)
    runner.test()


if __name__ == '__main__':
    main()
