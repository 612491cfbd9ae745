"""Tests a student of a checkpoint, by default the config's first."""

import argparse
import json
import math
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
    parser.add_argument('--available', nargs='+', metavar='A,B',
                        help='sets of modalities to test a multi-modal student on, such as '
                             'rgb,ir ir rgb; default: all, and the subsets of the config')
    parser.add_argument('--work-dir', help='default: work_dirs/<method>/<config>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        help='key=value pairs that override the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


def choose_modalities(student: dict, available: list[str] | None) -> None:
    """Writes the choice of ``--available`` into the config of a student."""
    if available is None:
        return
    if isinstance(student['modality'], str):
        sys.exit(f"--available is for multi-modal students; this one takes {student['modality']}")
    student['available'], *student['subsets'] = (names.split(',') for names in available)


def report(metrics: dict, names: list[str], work_dir: str) -> None:
    """Writes ``test.json``, and prints the IoU of each class for each set of modalities.

    Args:
        metrics: of the test.
        names: modalities of the metrics without a prefix.
        work_dir: folder to write into.
    """
    from mmengine.dist import is_main_process
    from rich.console import Console

    from mmfkd.apis.tables import class_table

    if not is_main_process():
        return
    path = Path(work_dir, 'test.json')
    # A class that is nowhere has no score, and JSON no NaN.
    scores = {key: None if math.isnan(value) else float(value) for key, value in metrics.items()}
    path.write_text(json.dumps(scores, indent=2) + '\n')
    table = class_table(metrics, '+'.join(names))
    if table is not None:
        Console().print(table)
    print(f'metrics: {path}')


def main() -> None:
    """Runs the command."""
    args = parse_args()

    from mmengine.runner import Runner

    from mmfkd.apis.distributed import end_together, keep_timm_norms, use_gloo_without_gpu
    from mmfkd.apis.options import merge_options
    from mmfkd.apis.students import keep_student
    from mmfkd.checkpoints import (
        branch_weights,
        default_work_dir,
        load_strictly,
        load_weights,
        resolve_checkpoint,
    )
    from mmfkd.hooks.unwrapped import unwrapped

    if not Path(args.config).is_file():
        sys.exit(f'config {args.config} does not exist; ls configs/*/ lists them')
    cfg = Config.fromfile(args.config)
    merge_options(cfg, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or str(default_work_dir(args.config))
    # The student alone is tested: no teacher has to be there.
    student = keep_student(cfg, args.student)
    choose_modalities(student, args.available)
    keep_timm_norms(cfg)
    use_gloo_without_gpu(cfg)
    path = resolve_checkpoint(cfg.work_dir if args.checkpoint == 'best' else args.checkpoint)
    runner = Runner.from_cfg(cfg)
    model = unwrapped(runner)
    load_strictly(model.student.model, branch_weights(load_weights(path), args.student), path)
    metrics = runner.test()
    found = runner.test_dataloader.dataset[0]['inputs']
    names = [name for name in model.student.available or model.student.modalities
             if name in found]
    report(metrics, names, cfg.work_dir)
    end_together()


if __name__ == '__main__':
    main()
