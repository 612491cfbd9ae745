"""Test a trained student, by default the first one of the config."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
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
    from mmengine.runner import Runner
    from torch import nn


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of OpenMMLab's test.py, and the choice of students and modalities."""
    parser = argparse.ArgumentParser('mmfkd test', description=__doc__)
    add_config(parser)
    parser.add_argument('checkpoint',
                        help="A checkpoint file, or 'best' for the selected one in the work dir.")
    parser.add_argument('--student', metavar='NAME',
                        help='The student to test (default: the first).')
    parser.add_argument('--available', nargs='+', metavar='A,B',
                        help='The sets of modalities to test a multi-modal student on, such as '
                             'rgb,ir ir rgb (default: all, and the subsets of the config).')
    add_work_dir(parser)
    add_config_options(parser)
    add_launcher(parser)
    return parser.parse_intermixed_args(argv)


def choose_modalities(student: dict, available: Sequence[str] | None) -> None:
    """Writes the choice of ``--available`` into the config of a student."""
    if available is None:
        return
    if isinstance(student['modality'], str):
        sys.exit(f"--available is for multi-modal students; this one takes {student['modality']}")
    student['available'], *student['subsets'] = (names.split(',') for names in available)


def report(metrics: Mapping[str, object], names: Sequence[str], work_dir: str, checkpoint: Path
           ) -> None:
    """Writes ``test.json``, and prints the IoU of each class for each set of modalities.

    The file names the checkpoint, which may lie elsewhere; that is said.

    Args:
        metrics: of the test.
        names: modalities of the metrics without a prefix.
        work_dir: folder to write into.
        checkpoint: whose metrics they are.
    """
    from mmengine.dist import is_main_process
    from rich.console import Console

    from mmfkd.checkpoints.work_dirs import plain
    from mmfkd.visualization.tables import class_table

    if not is_main_process():
        return
    path = Path(work_dir, 'test.json')
    scores = plain(dict(checkpoint=str(checkpoint), **metrics))
    path.write_text(json.dumps(scores, indent=2) + '\n')
    table = class_table(metrics, '+'.join(names))
    if table is not None:
        Console().print(table)
    print(f'metrics: {path}')
    if checkpoint.resolve().parent != path.resolve().parent:
        print(f'they are those of {checkpoint}, which is not of this work dir')


def test(args: argparse.Namespace) -> None:
    """Tests the student in this process; the runner is gone when this returns."""
    if args.config and Path(args.config).is_dir():
        from mmfkd.inference.opening import config_of_run

        args.work_dir = args.work_dir or args.config
        args.config = str(config_of_run(Path(args.config)))
    # The student alone is tested: no teacher has to be there.
    cfg = chosen_config(args, teachers=False)

    from mmfkd.checkpoints import resolve_checkpoint
    from mmfkd.engine.checks import check_config
    from mmfkd.engine.distributed import keep_timm_norms, use_gloo_without_gpu
    from mmfkd.engine.hooks.labels import LabelCensusHook
    from mmfkd.engine.hooks.reads import ReadsHook
    from mmfkd.engine.hooks.unwrapped import unwrapped
    from mmfkd.engine.label_checks import is_scored
    from mmfkd.engine.runner import KeepingRunner, build_runner
    from mmfkd.inference.edits import edits_since
    from mmfkd.inference.loading import keep_student
    from mmfkd.models.arguments import located_arguments

    cfg.launcher = args.launcher
    cfg.work_dir = str(chosen_work_dir(args, cfg))
    check_config(cfg)
    if cfg.get('test_dataloader') is None:
        sys.exit(f'{cfg.filename} has no test_dataloader: there is nothing to test on')
    written = deepcopy(cfg)
    distiller = bool(cfg.get('model', {}).get('students'))
    if distiller:
        choose_modalities(keep_student(cfg, args.student), args.available)
    elif args.student or args.available:
        sys.exit(f'{cfg.filename} has no students: leave --student and --available out')
    path = resolve_checkpoint(args.checkpoint, cfg.filename, cfg.work_dir)
    edits = edits_since(written, path)
    if edits:
        print(f'{path} was trained with another config, by {"; ".join(edits)}: the scores are '
              f'those of {cfg.filename} as it is now', flush=True)
    keep_timm_norms(cfg)
    use_gloo_without_gpu(cfg)
    with located_arguments(str(cfg.filename), cfg.to_dict()):
        runner = build_runner(cfg, KeepingRunner)
        tested = runner.test_dataloader.dataset
    if not is_scored(tested):
        sys.exit(f"{cfg.filename}: test_dataloader.dataset.labels='none' leaves nothing to score: "
                 'mmfkd predict writes what the network says of files without labels')
    runner.register_hook(ReadsHook())
    runner.register_hook(LabelCensusHook())
    model = unwrapped(runner)
    own = load_tested(model, path, args.student)
    check_tested(own, path, tested)
    metrics = runner.test()
    if not metrics:
        sys.exit('nothing was scored: test_evaluator of the config has no metric')
    report(metrics, tested_modalities(runner) if distiller else ['model'], cfg.work_dir,
           path)


def load_tested(model: 'nn.Module', path: Path, student: str | None) -> tuple[str, ...]:
    """Loads the weights of the student that is tested, or of a plain model.

    Returns:
        names of the classes that it was trained on, as far as the checkpoint says.
    """
    from mmfkd.checkpoints import (
        classes_in,
        load_network,
        load_strictly,
        read_checkpoint,
        weights_in,
    )
    from mmfkd.models import CrossModalDistiller

    if isinstance(model, CrossModalDistiller):
        return load_network(model.student.model, path, student, model.student.takes)
    content = read_checkpoint(path)
    load_strictly(model, weights_in(content, path), path)
    return classes_in(content)


def check_tested(own: Sequence[str], path: Path, dataset: object) -> None:
    """Refuses a test set of other classes than those that a network was trained on.

    Args:
        own: the classes of the network.
        path: of its checkpoint.
        dataset: the test set.

    Raises:
        ValueError: names the classes that differ.
    """
    from mmfkd.engine.checks import class_difference

    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    said = class_difference('the checkpoint', own, 'the test set', classes)
    if said:
        raise ValueError(f'{path} was trained on other classes than those of the test set: {said}. '
                         'Give the test set the metainfo.classes of the training, in their order')


def tested_modalities(runner: 'Runner') -> list[str]:
    """Modalities of the metrics without a prefix: those of the student that the data has."""
    from mmfkd.engine.hooks.unwrapped import unwrapped

    found = runner.test_dataloader.dataset[0]['inputs']
    student = unwrapped(runner).student
    return [name for name in student.available or student.modalities if name in found]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        test(args)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))

    from mmfkd.engine.distributed import end_together

    end_together()


if __name__ == '__main__':
    main()
