"""The trainings of teachers that a student's training misses."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints import has_ended, read_summary
from mmfkd.config import default_work_dir, fits, load_config, merge_options, shown, spelled_options

from .hooks.checkpoint import length
from .processes import STOPPED, run_child


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
        if has_ended(folder):
            check_length(name, folder, teacher)
            continue
        if cfg.get('launcher', 'none') != 'none':
            sys.exit(f"teacher '{name}' is not trained. Train it first:\n"
                     f'  torchrun --nproc_per_node GPUS -m mmfkd train {shown(config)} '
                     f'--work-dir {folder} --launcher pytorch')
        command = teacher_command(config, folder, own, amp)
        print(f"teacher '{name}' is not trained yet; training it first: "
              f"mmfkd {' '.join(map(shown, command[3:]))}", flush=True)
        code = run_child(command)
        if code in STOPPED:
            raise STOPPED[code]  # Ctrl-C reaches the child too, and ends it first
        if code:
            sys.exit(f"training the teacher '{name}' failed with exit code {code}")


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


def teacher_command(config: str, folder: Path, options: Mapping[str, object], amp: bool
                    ) -> list[str]:
    """The command that trains a teacher, or goes on with a training that was stopped."""
    command = [sys.executable, '-m', 'mmfkd', 'train', config, '--work-dir', str(folder),
               '--resume', *(['--amp'] if amp else [])]
    if options:
        command += ['--cfg-options', *spelled_options(options)]
    return command


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
