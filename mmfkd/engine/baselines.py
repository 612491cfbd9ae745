"""The baseline of a student: its training, where it is missing, and whether it may be compared."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints import has_ended, read_summary
from mmfkd.checkpoints.settings import scored_otherwise
from mmfkd.config import Pair, default_work_dir, find_config, load_config, merge_options, spelled
from mmfkd.inference.opening import open_run

from .distributed import first_rank
from .optim_wrapper import use_amp
from .teachers import SHARED, differences, teacher_options, train_first, trained_branches


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
    other += [text.partition('=')[0] for text in scored_otherwise(trained, cfg, alone=True)]
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
