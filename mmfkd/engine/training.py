"""Training from a config to its summary: teachers, the run, the test."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from rich.console import Console

from mmfkd.checkpoints import best_checkpoint, latest_checkpoint
from mmfkd.config import default_work_dir, load_config, merge_options, shown
from mmfkd.visualization.tables import closing_table

from .distributed import end_together, keep_timm_norms, use_gloo_without_gpu
from .hooks.unwrapped import unwrapped


def prepare_run(cfg: Config, work_dir: str | Path, resume: str | None = None,
                amp: bool = False) -> None:
    """Writes into a config where it runs, what it resumes and at which precision.

    Args:
        cfg: changed in place.
        work_dir: folder of the run.
        resume: a checkpoint, 'auto' for the newest whole one of the work dir, or None.
        amp: mixed precision.
    """
    cfg.work_dir = str(work_dir)
    if amp:
        cuda = torch.cuda.is_available()
        cfg.optim_wrapper.type = 'AmpOptimWrapper' if cuda else 'mmfkd.BFloat16OptimWrapper'
    if resume:
        newest = latest_checkpoint(cfg.work_dir)[0] if resume == 'auto' else resume
        cfg.load_from, cfg.resume = (str(newest), True) if newest else (None, False)


def train_missing_teachers(cfg: Config, options: Mapping[str, object], amp: bool = False) -> None:
    """Trains each teacher that has no finished run, in a process of its own.

    Args:
        cfg: config of the student's training.
        options: ``--cfg-options`` of that training.
        amp: mixed precision.

    Raises:
        SystemExit: the training of a teacher failed, or the run is distributed and a teacher is
            missing; the message has the command that trains it.
    """
    for name, config, folder in trained_branches(cfg):
        teacher = load_config(config)
        own = teacher_options(options, teacher)
        merge_options(teacher, own)
        if is_trained(teacher, folder):
            continue
        if cfg.get('launcher', 'none') != 'none':
            sys.exit(f"teacher '{name}' is not trained. Train it first:\n"
                     f'  torchrun --nproc_per_node GPUS -m mmfkd train {shown(config)} '
                     f'--work-dir {folder} --launcher pytorch')
        command = teacher_command(config, folder, own, amp)
        print(f"teacher '{name}' is not trained yet; training it first: "
              f"mmfkd {' '.join(map(shown, command[3:]))}", flush=True)
        code = subprocess.run(command, check=False).returncode
        if code:
            sys.exit(f"training the teacher '{name}' failed with exit code {code}")


def trained_branches(cfg: Config) -> list[tuple[str, str, Path]]:
    """Name, config and work dir of each branch that starts from the best checkpoint of a run."""
    started = {name: spec for name, spec in cfg.model.get('students', {}).items()
               if spec.get('checkpoint')}
    found = []
    for name, spec in {**(cfg.model.get('teachers') or {}), **started}.items():
        checkpoint = spec.get('checkpoint', 'auto')
        if 'config' in spec and not checkpoint.endswith('.pth'):
            config = spec['config']
            folder = (default_work_dir(config) if checkpoint in ('auto', 'best')
                      else Path(checkpoint))
            found.append((name, config, folder))
    return found


def teacher_command(config: str, folder: Path, options: Mapping[str, object], amp: bool
                    ) -> list[str]:
    """The command that trains a teacher, or goes on with a training that was stopped."""
    command = [sys.executable, '-m', 'mmfkd', 'train', config, '--work-dir', str(folder),
               '--resume', *(['--amp'] if amp else [])]
    if options:
        command += ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
    return command


def teacher_options(options: Mapping[str, object], teacher: Config) -> dict[str, object]:
    """Options that hold for a teacher too: data, schedule, seed, initialisation.

    Hooks that the options add are the student's own; those that the teacher's config has as well
    are changed there too.

    Args:
        options: of the student's training, dotted key to value.
        teacher: the teacher's config.
    """
    own = ('work_dir', 'load_from', 'resume')
    hooks = teacher.get('default_hooks') or {}

    def holds(key: str) -> bool:
        room, *rest = key.split('.')
        if room == 'model':
            return 'init_cfg' in key
        return key not in own and (room != 'default_hooks' or rest[0] in hooks)

    return {key: value for key, value in options.items() if holds(key)}


def is_trained(teacher: Config, folder: Path) -> bool:
    """Whether a teacher's work dir holds a run that ended, after all its epochs or early.

    Raises:
        SystemExit: it holds a stopped run of another length.
    """
    epochs = teacher.train_cfg.max_epochs
    newest, step = latest_checkpoint(folder)
    if newest is None or step >= epochs:
        return best_checkpoint(folder) is not None
    dumped = folder / Path(teacher.filename).name
    planned = Config.fromfile(dumped).train_cfg.max_epochs if dumped.is_file() else epochs
    if planned != epochs:
        sys.exit(f'{folder} holds a teacher trained for {step} of {planned} epochs, but '
                 f'{epochs} are asked for. Move it away to train another, or take it as it is '
                 f'with --cfg-options model.teachers.teacher.checkpoint=FILE.pth')
    # A summary is written at the end; a hook may have ended the run before its last epoch.
    return (folder / 'summary.json').is_file() and best_checkpoint(folder) is not None


def train(cfg: Config) -> None:
    """Trains a config whose teachers are there, tests the selected checkpoint and reports.

    Raises:
        SystemExit: the training set is smaller than a batch.
    """
    keep_timm_norms(cfg)
    use_gloo_without_gpu(cfg)
    run(cfg)
    end_together()


def run(cfg: Config) -> None:
    """The training of this process; its runner is gone when this returns."""
    started = perf_counter()
    runner = Runner.from_cfg(cfg)
    if len(runner.train_dataloader) == 0:
        sys.exit(f'{len(runner.train_dataloader.dataset)} training samples are less than one '
                 f'batch: lower train_dataloader.batch_size={cfg.train_dataloader.batch_size}')
    runner.train()
    tested = test_best(runner)
    if is_main_process():
        close(runner, tested, perf_counter() - started)


def test_best(runner: Runner) -> dict:
    """Metrics of the checkpoint that validation selected, on the test set."""
    best = best_checkpoint(runner.work_dir)
    metrics = {}
    if best is not None:
        runner.load_checkpoint(str(best))
    if runner.cfg.get('test_dataloader') is not None:
        metrics = runner.test()
    return dict(checkpoint=str(best), val=runner.message_hub.get_info('best_score', None),
                test=metrics)


def close(runner: Runner, tested: dict, seconds: float) -> None:
    """Writes ``summary.json`` and prints who taught whom and how well both do."""
    cfg, model, info = runner.cfg, unwrapped(runner), runner.message_hub.get_info
    metric = cfg.default_hooks.checkpoint.get('save_best')
    summary = dict(tested, config=cfg.filename, seed=runner.seed, seconds=seconds)
    rows = []
    for name, teacher in model.teachers.items():
        score = summary[f'teacher_{name}'] = info(f'teacher_{name}', None)
        rows.append((name, teacher.modalities, score, None, 'frozen'))
    for name, student in model.students.items():
        first = student is model.student
        maximum = info(f'test_maximum_{name}', None)
        if maximum is not None:
            summary['test_maximum' if first else f'test_maximum_{name}'] = maximum
        rows.append((name, student.modalities, summary['val'] if first else None,
                     summary['test'].get(metric if first else f'{name}/{metric}'),
                     Path(summary['checkpoint']).name))
    write_summary(Path(cfg.work_dir), summary)
    Console().print(closing_table(metric, rows))
    print(f'work dir: {cfg.work_dir}')


def write_summary(work_dir: Path, summary: Mapping[str, object]) -> None:
    """Writes ``summary.json`` in one step: a summary that is there says that the run has ended."""
    path = work_dir / 'summary.json'
    path.with_suffix('.tmp').write_text(json.dumps(summary, indent=2, default=float) + '\n')
    path.with_suffix('.tmp').replace(path)
