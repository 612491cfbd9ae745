"""The trainings that a student's training misses: of its teachers, and of its baseline."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints import has_ended, read_summary, selected_checkpoint
from mmfkd.checkpoints.settings import changed_values, training_values
from mmfkd.config import (
    Pair,
    default_work_dir,
    find_config,
    fits,
    load_config,
    merge_options,
    shown,
    spelled,
)
from mmfkd.inference.opening import open_run

from .distributed import first_rank
from .hooks.checkpoint import length
from .optim_wrapper import use_amp
from .processes import STOPPED, run_child, train_command

# What a baseline and the student beside it have in common.
SHARED = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg', 'optim_wrapper',
          'param_scheduler', 'randomness')


def train_missing_teachers(cfg: Config, options: Mapping[str, object], amp: bool = False) -> None:
    """Trains each teacher that has no finished run, in a process of its own.

    Args:
        cfg: config of the student's training.
        options: ``--cfg-options`` of that training.
        amp: mixed precision.

    Raises:
        SystemExit: the training of a teacher failed, one of a plain config has no checkpoint, or
            the run is distributed and a teacher is missing; the message has the cure.
    """
    for name, config, folder in trained_branches(cfg):
        teacher = load_config(config)
        own = teacher_options(options, teacher)
        merge_options(teacher, own)
        if has_ended(folder):
            check_length(name, folder, teacher)
            continue
        if not (teacher.get('model') or {}).get('students'):
            if selected_checkpoint(folder):
                continue
            kind = 'teachers' if name in (cfg.model.get('teachers') or {}) else 'students'
            sys.exit(f'model.{kind}.{name}: {folder} holds no weights, and {config} is a plain '
                     'config of mmseg or mmpretrain, which is not trained on the way: set '
                     f'model.{kind}.{name}.checkpoint to the file of its weights')
        train_first(f"the teacher '{name}'", cfg, config, folder, own, amp)


def train_missing_baseline(cfg: Config, options: Mapping[str, object], amp: bool = False) -> Path:
    """Trains the student's baseline if it has no finished run, and returns its work dir.

    Args:
        cfg: config of a distillation.
        options: ``--cfg-options`` of that training; those of data, schedule, seed and of the
            student's network hold for the baseline too.
        amp: mixed precision.

    Raises:
        SystemExit: the config has no baseline, its training failed, or a run that differs from it
            lies in its work dir.
    """
    config = baseline_of(cfg)
    if config is None:
        sys.exit(f'--with-baseline: {cfg.filename} is named like no pair DATASET_A2B that has a '
                 "config unimodal/DATASET_B: name its baseline with baseline='CONFIG.py' in it")
    baseline, own = baseline_config(config, options)
    folder = default_work_dir(config)
    if has_ended(folder):
        if amp:
            use_amp(baseline)
        other = differences(folder, baseline)
        if other:
            sys.exit(f'{folder} holds another baseline than the one that is asked for, by '
                     f'{"; ".join(other)}: move it away to train this one')
    else:
        train_first('the baseline', cfg, config, folder, own, amp)
    return folder


def ended_baseline(cfg: Config) -> Path | None:
    """Work dir of the student's baseline, if a run of the same data, schedule and network ended.

    Of a run that differs it prints in what.

    Args:
        cfg: config of a distillation, as it is trained.
    """
    config = baseline_of(cfg) if cfg.model.get('teachers') else None
    folder = default_work_dir(config) if config else None
    if folder is None or not has_ended(folder):
        return None
    try:
        trained, _ = open_run(folder)
    except (FileNotFoundError, ValueError):  # of no student, or not one config
        return None
    other = [key for key in SHARED if cfg.get(key) != trained.get(key)]
    if trained.model.students.get('student') != cfg.model.students.get('student'):
        other.append('model.students.student')
    if other and first_rank(cfg.get('launcher', 'none')):
        print(f'{folder} holds a baseline, with which this run is not compared, as their '
              f'{", ".join(other)} differ; move it away, and --with-baseline trains one',
              flush=True)
    return None if other else folder


def baseline_config(config: str, options: Mapping[str, object]) -> tuple[Config, dict]:
    """A baseline's config with the options of a distillation that hold for it, and these."""
    baseline = load_config(config)
    network = 'model.students.student.'
    own = {**teacher_options(options, baseline),
           **{key: value for key, value in options.items() if key.startswith(network)}}
    merge_options(baseline, own)
    return baseline, own


def differences(folder: Path, config: Config) -> list[str]:
    """What differs between a run that has ended and a config: ``key=old, and now new``.

    Only what decides scores counts: not the number of workers, or where files are.
    """
    try:
        trained, _ = open_run(folder, teachers=True)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    return changed_values(*(training_values(cfg, ('model', *SHARED)) for cfg in (trained, config)))


def weak_teachers(cfg: Config, baseline: Path) -> list[str]:
    """A sentence for each teacher that is no better on validation than what it is to teach.

    Args:
        cfg: config of a distillation.
        baseline: work dir of the student's baseline.
    """
    own, found = (read_summary(baseline) or {}).get('val'), []
    first = next(iter(cfg.model.students), None)  # it may start from a checkpoint, and learns
    for name, _, folder in trained_branches(cfg):
        if name == first:
            continue
        score = (read_summary(folder) or {}).get('val')
        if own is not None and score is not None and score <= own:
            found.append(f"the teacher '{name}' has {score:.2f} on validation, and the baseline of "
                         f'the student {own:.2f}: it is no better than what it is to teach, so do '
                         'not expect a gain. Look at the other direction, or teach samples that '
                         'have no label (method transfer)')
    return found


def baseline_of(cfg: Config) -> str | None:
    """Config of the student's baseline: ``baseline`` of the config, or that of its pair.

    None if the config names none, and its own name is none of a pair that has one.
    """
    if cfg.get('baseline'):
        return str(cfg.baseline)
    try:
        pair = Pair.parse(Path(cfg.filename).stem)
        return spelled(find_config(pair.student_config, cfg.filename))
    except (FileNotFoundError, ValueError):
        return None


def train_first(what: str, cfg: Config, config: str, folder: Path, options: Mapping[str, object],
                amp: bool) -> None:
    """Trains a config in a process of its own.

    Raises:
        SystemExit: the training failed, or the run is distributed; the message has the command.
    """
    if cfg.get('launcher', 'none') != 'none':
        sys.exit(f'{what} is not trained. Train it first:\n'
                 f'  torchrun --nproc_per_node GPUS -m mmfkd train {shown(config)} '
                 f'--work-dir {folder} --launcher pytorch')
    command = train_command([config], folder, options, amp)
    print(f'{what} is not trained yet; training it first: '
          f"mmfkd {' '.join(map(shown, command[3:]))}", flush=True)
    code = run_child(command)
    if code in STOPPED:
        raise STOPPED[code]  # Ctrl-C reaches the child too, and ends it first
    if code:
        sys.exit(f'training {what} failed with exit code {code}')


def check_length(name: str, folder: Path, teacher: Config) -> None:
    """Refuses a teacher whose run was planned shorter than its config asks for, as trials are.

    Raises:
        SystemExit: it was.
    """
    planned = (read_summary(folder) or {}).get('length')
    if planned is not None and planned < (length(teacher) or 0):
        sys.exit(f"{folder} holds a teacher '{name}' that was planned for {planned} epochs or "
                 f'iterations, but {length(teacher)} are asked for. Move it away to train another, '
                 'or take it as it is with --cfg-options '
                 f'model.teachers.{name}.checkpoint=FILE.pth')


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


def teacher_options(options: Mapping[str, object], teacher: Config) -> dict[str, object]:
    """Options that hold for a teacher too: data, schedule, seed, initialisation.

    Hooks that the options add are the student's own; those that the teacher's config has as well
    are changed there too. So it is with keys that the teacher's config neither has nor takes.

    Args:
        options: of the student's training, dotted key to value.
        teacher: the teacher's config.
    """
    own = ('work_dir', 'load_from', 'resume')
    hooks = teacher.get('default_hooks') or {}

    def holds(key: str) -> bool:
        room, *rest = key.removeprefix('+').split('.')
        if room == 'model':
            return 'init_cfg' in key
        return key not in own and (room != 'default_hooks' or rest[0] in hooks)

    held = {key: value for key, value in options.items() if holds(key)}
    return {key: value for key, value in held.items()
            if key.startswith('+') or fits(teacher, key, value)}
