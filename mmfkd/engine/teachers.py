"""The trainings of a student's teachers, which come before its own."""

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints import has_ended, read_summary, selected_checkpoint
from mmfkd.checkpoints.settings import changed_values, scored_otherwise, training_values
from mmfkd.config import default_work_dir, fits, load_config, merge_options, shown
from mmfkd.inference.opening import open_run

from .hooks.checkpoint import length
from .optim_wrapper import use_amp
from .processes import STOPPED, run_child, train_command
from .teacher_outputs import without_views

# What a baseline and the student beside it have in common.
SHARED = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg', 'optim_wrapper',
          'param_scheduler', 'randomness')
# Checkpoints that are looked for where the branch's config is trained.
FOUND = ('auto', 'best')
# What a teacher's weights come from, but for chance.
WEIGHTS = ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler')
# Which samples have a label in the student's modality: a teacher learns from its own.
LABELS = re.compile(r'\+?train_dataloader\.((datasets?|\d+)\.)+labels(\.|$)')


def train_missing_teachers(cfg: Config, options: Mapping[str, object], amp: bool = False) -> None:
    """Trains each teacher that has no finished run, in a process of its own.

    Args:
        cfg: config of the student's training.
        options: ``--cfg-options`` of that training; ``labels`` of its training set are the
            student's affair.
        amp: mixed precision.

    Raises:
        SystemExit: the training of a teacher failed, one of a plain config has no checkpoint, the
            run is distributed and a teacher is missing, or one is there that was trained shorter
            or otherwise; the message has the cure.
    """
    for name, config, folder in trained_branches(cfg):
        teacher = load_config(config)
        own = {key: value for key, value in teacher_options(options, teacher).items()
               if not LABELS.match(key)}
        merge_options(teacher, own)
        kind = 'teachers' if name in (cfg.model.get('teachers') or {}) else 'students'
        if has_ended(folder):
            check_length(f'{kind}.{name}', folder, teacher)
            # A folder that is named is meant as it is.
            if cfg.model[kind][name].get('checkpoint', 'auto') in FOUND:
                check_values(f'{kind}.{name}', folder, teacher)
            continue
        if not (teacher.get('model') or {}).get('students'):
            if selected_checkpoint(folder):
                continue
            sys.exit(f'model.{kind}.{name}: {folder} holds no weights, and {config} is a plain '
                     'config of mmseg or mmpretrain, which is not trained on the way: set '
                     f'model.{kind}.{name}.checkpoint to the file of its weights')
        train_first(f"the teacher '{name}'", cfg, config, folder, own, amp)


def differences(folder: Path, config: Config, parts: Collection[str] = ('model', *SHARED),
                scores: bool = True) -> list[str]:
    """What differs between a run that has ended and a config: ``key=old, and now new``.

    Only what decides scores counts, the weights that branches start from included; the number of
    workers does not, or where files are.

    Args:
        folder: of the run.
        config: as it would be trained.
        parts: keys of the config that are compared, beside the hooks.
        scores: compare how both are selected and tested, and what the whole model starts from.
    """
    try:
        trained, _ = open_run(folder, teachers=True)
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    without_views(trained)
    found = changed_values(*(training_values(cfg, parts, whole=True) for cfg in (trained, config)))
    return found + (scored_otherwise(trained, config) if scores else [])


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
        sys.exit(f'training {what} failed with exit code {code}, for the reason that its last '
                 f'lines above give; its work dir is {folder}')


def check_length(branch: str, folder: Path, teacher: Config) -> None:
    """Refuses a teacher whose run was planned shorter than its config asks for, as trials are.

    Args:
        branch: ``teachers.NAME`` or ``students.NAME``.
        folder: of its run, which has ended.
        teacher: its config, as it would be trained now.

    Raises:
        SystemExit: it was.
    """
    planned = (read_summary(folder) or {}).get('length')
    if planned is not None and planned < (length(teacher) or 0):
        sys.exit(f"{folder} holds a teacher '{branch.partition('.')[2]}' that was planned for "
                 f'{planned} epochs or iterations, but {length(teacher)} are asked for. Move it '
                 'away to train another, or take it as it is with --cfg-options '
                 f'model.{branch}.checkpoint=FILE.pth')


def check_values(branch: str, folder: Path, teacher: Config) -> None:
    """Refuses a teacher that was trained otherwise than it would be now.

    One of another seed, precision or of more epochs is as good. Without the one config that
    mmengine leaves in the folder nothing is known.

    Args:
        branch: see :func:`check_length`.
        folder: likewise.
        teacher: likewise.

    Raises:
        SystemExit: it was.
    """
    if len(list(folder.glob('*.py'))) != 1 or not (teacher.get('model') or {}).get('students'):
        return
    if (read_summary(folder) or {}).get('amp'):
        use_amp(teacher)
    other = differences(folder, teacher, WEIGHTS, scores=False)
    if other:
        sys.exit(f"{folder} holds another teacher '{branch.partition('.')[2]}' than the one that "
                 f'is asked for, by {"; ".join(other)}: move it away to train this one, or take it '
                 f'as it is with --cfg-options model.{branch}.checkpoint=FILE.pth')


def trained_branches(cfg: Config) -> list[tuple[str, str, Path]]:
    """Name, config and work dir of each branch that starts from the best checkpoint of a run."""
    started = {name: spec for name, spec in cfg.model.get('students', {}).items()
               if spec.get('checkpoint')}
    found = []
    for name, spec in {**(cfg.model.get('teachers') or {}), **started}.items():
        checkpoint = spec.get('checkpoint', 'auto')
        if 'config' in spec and not checkpoint.endswith(('.pth', '.safetensors')):
            config = spec['config']
            folder = (default_work_dir(config) if checkpoint in FOUND
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
