"""Times epochs of a distillation with and without kept teacher outputs, and of its baseline.

Everything is read from files and trained by the real runner: the baseline, the distillation with
its teacher, and with a cache of one view, whose first epoch computes it (cold) and whose others
read it (warm). The three take turns; a cold epoch is compared with first epochs, a warm one with
later ones. Teachers have random weights, which take as long.

Example::

    python benchmarks/epoch_time.py mars_aux2gray --methods fdkd kd feature --samples 96
    python benchmarks/epoch_time.py mars_aux2gray --teacher-depth 101
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

from mmfkd.config import Pair, compose, find_config, load_config, student_config
from mmfkd.devices import default_device, device_name
from mmfkd.engine import ReadsHook, TeacherCacheHook
from mmfkd.engine.runner import build_runner
from mmfkd.engine.teacher_outputs import use_views
from mmfkd.models import CrossModalDistiller

TEACHER = 'model.teachers.teacher'


class EpochTimeHook(Hook):
    """Keeps the seconds of each epoch: with the start of workers, and all hooks of the epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def before_train(self, runner: Runner) -> None:
        """The first epoch begins."""
        self._start = perf_counter()

    def after_train_epoch(self, runner: Runner) -> None:
        """An epoch ends, after everything else that does something then."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = perf_counter()
        self.seconds.append(now - self._start)
        self._start = now


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pair', metavar='DATASET_A2B')
    parser.add_argument('--methods', nargs='+', default=['fdkd', 'kd', 'feature'])
    parser.add_argument('--teacher-depth', type=int, choices=(50, 101, 152),
                        help="Give the teacher a ResNet of this depth in place of its config's.")
    parser.add_argument('--samples', type=int, default=96, help='The number of training samples.')
    parser.add_argument('--batch', type=int,
                        help="The number of samples of a step (default: the config's).")
    parser.add_argument('--epochs', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def deeper(pair: Pair, depth: int, folder: Path) -> Pair:
    """The pair with a deeper ResNet as its teacher: two configs in a folder, which is moved to."""
    teacher = student_config(pair.teacher_config)['model']
    head = 'decode_head' if 'decode_head' in teacher else 'head'
    declared = load_config(pair.teacher_config).channels
    # Bottlenecks are four times as wide as the basic blocks of ResNet-18.
    channels = dict(feat=declared.feat * 4, stages=tuple(width * 4 for width in declared.stages))
    network = {'backbone': dict(depth=depth, init_cfg=None),
               head: {key: teacher[head][key] * 4 for key in ('in_channels', 'c1_in_channels')
                      if key in teacher[head]}}
    model = dict(students=dict(student=dict(model=network)))
    own = Pair('timed', pair.teacher, pair.student)
    configs = folder / 'configs/unimodal'
    configs.mkdir(parents=True)
    for name, base, text in (
            (own.teacher_config, pair.teacher_config, f'{channels=}\n{model=}\n'),
            (own.student_config, pair.student_config, '')):
        path = find_config(base).resolve()
        (folder / f'configs/{name}.py').write_text(f'_base_ = [{str(path)!r}]\n{text}')
    (folder / 'data').symlink_to(Path('data').resolve())
    os.chdir(folder)
    return own


def shortened(cfg: Config, args: argparse.Namespace, folder: Path) -> Config:
    """A config of epochs alone, from random weights: no validation or checkpoint is timed."""
    cfg.work_dir, cfg.experiment_name, cfg.log_level = str(folder), uuid4().hex, 'WARNING'
    cfg.train_dataloader.update(num_workers=args.workers)
    cfg.train_dataloader.dataset.indices = args.samples
    if args.batch:
        cfg.train_dataloader.batch_size = args.batch
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=args.epochs)
    for name in ('val_cfg', 'val_dataloader', 'val_evaluator', 'test_cfg', 'test_dataloader',
                 'test_evaluator'):
        cfg[name] = None
    for name in ('teacher_report', 'prediction_panel'):
        cfg.default_hooks.pop(name, None)
    cfg.default_hooks.checkpoint = None
    for student in cfg.model.students.values():
        if 'model' in student:
            student.model.backbone.init_cfg = None
    return cfg


def random_weights(config: str, path: Path) -> Path:
    """A checkpoint of random weights for a unimodal config, written once."""
    if not path.exists():
        init_default_scope('mmfkd')
        model = CrossModalDistiller(students=dict(student=student_config(config)))
        torch.save(dict(state_dict=model.state_dict()), path)
    return path


def seconds(cfg: Config) -> list[float]:
    """Seconds of each epoch of a training."""
    use_views(cfg)
    runner, hook = build_runner(cfg), EpochTimeHook()
    for one in (ReadsHook(), TeacherCacheHook()):
        runner.register_hook(one)
    runner.register_hook(hook, priority='LOWEST')
    runner.train()
    return hook.seconds


def measure(pair: Pair, method: str, args: argparse.Namespace, folder: Path
            ) -> dict[str, list[float]]:
    """Seconds of epochs by kind, of all rounds."""
    checkpoint = random_weights(pair.teacher_config, folder / 'teacher.pth')
    found: dict[str, list[float]] = {}
    for number in range(args.rounds):
        baseline = shortened(load_config(pair.student_config), args, folder / 'run')
        plain, kept = (shortened(compose(pair, method), args, folder / 'run') for _ in range(2))
        for cfg in (plain, kept):
            cfg.merge_from_dict({f'{TEACHER}.checkpoint': str(checkpoint)})
        kept.merge_from_dict({f'{TEACHER}.cache': dict(
            folder=str(folder / f'{method}{number}'), views=1)})
        for name, cfg in (('baseline', baseline), ('with teacher', plain), ('kept', kept)):
            first, *later = seconds(cfg)
            cold = 'cold' if name == 'kept' else f'{name}, first'
            found.setdefault(cold, []).append(first)
            found.setdefault('warm' if name == 'kept' else name, []).extend(later)
    return found


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    pair = Pair.parse(args.pair)
    table = Table('method', 'baseline (s)', 'with teacher', 'warm', 'cold / with teacher')
    with tempfile.TemporaryDirectory() as folder:
        if args.teacher_depth:
            pair = deeper(pair, args.teacher_depth, Path(folder))
        for method in args.methods:
            times = {name: median(values) for name, values in
                     measure(pair, method, args, Path(folder)).items()}
            table.add_row(method, f'{times["baseline"]:.2f}', *(
                f'{times[name] / times["baseline"]:.2f}' for name in ('with teacher', 'warm')),
                f'{times["cold"] / times["with teacher, first"]:.2f}')
    device = device_name(default_device())
    teacher = f', teacher ResNet-{args.teacher_depth}' if args.teacher_depth else ''
    print(f'{args.pair}{teacher}: epochs of {args.samples} samples, medians of {args.rounds} '
          f'rounds, {device}, {torch.get_num_threads()} threads, {args.workers} workers; ratios '
          'to the baseline')
    Console(markup=False).print(table)


if __name__ == '__main__':
    main()
