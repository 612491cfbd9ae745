"""Training from a config to its summary: the run, and its test."""

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner

from mmfkd.checkpoints import (
    has_ended,
    latest_checkpoint,
    load_strictly,
    load_weights,
    read_summary,
)
from mmfkd.checkpoints.settings import difference
from mmfkd.config import config_name, main_metric, selecting_metric, selects
from mmfkd.models.arguments import located_arguments

from .checks import check_runner, explained_errors
from .closing import close
from .distributed import end_together, keep_timm_norms, use_gloo_without_gpu
from .hooks.cache import TeacherCacheHook
from .hooks.checkpoint import length
from .hooks.labels import LabelCensusHook
from .hooks.reads import ReadsHook
from .hooks.samples import SampleScoreHook
from .hooks.start import StartCheckHook
from .hooks.stop import StopHook
from .hooks.unwrapped import unwrapped
from .hooks.work_dir import WorkDirHook
from .label_checks import is_scored
from .optim_wrapper import use_amp
from .processes import StopRequest
from .runner import KeepingRunner, build_runner
from .teacher_outputs import use_views


def prepare_run(cfg: Config, work_dir: str | Path, resume: str | None = None,
                amp: bool = False) -> None:
    """Writes into a config where it runs, what it resumes and at which precision.

    Args:
        cfg: changed in place.
        work_dir: folder of the run.
        resume: a checkpoint, 'auto' for the newest whole one of the work dir, or None.
        amp: mixed precision.

    Raises:
        FileNotFoundError: there is no checkpoint of the name that is to be resumed.
    """
    cfg.work_dir = str(work_dir)
    if amp:
        use_amp(cfg)
    if resume and resume != 'auto' and not Path(resume).is_file():
        raise FileNotFoundError(f'--resume {resume}: there is no such file. Name a checkpoint, or '
                                'none to take the newest one of the work dir')
    if resume:
        newest = latest_checkpoint(cfg.work_dir)[0] if resume == 'auto' else resume
        cfg.load_from, cfg.resume = ((str(newest), True) if newest else
                                     (cfg.get('load_from'), False))


def is_complete(cfg: Config, work_dir: str | Path, options: Mapping[str, object] | None = None,
                amp: bool = False) -> bool:
    """Whether a work dir holds a run that has ended, and was as long as a config wants it.

    Args:
        cfg: of the run.
        work_dir: folder of the run.
        options: ``--cfg-options`` of the command; None does not look at them.
        amp: whether the command has ``--amp``.

    Raises:
        ValueError: it is a run of another config, or of other options.
    """
    summary = read_summary(work_dir) or {}
    if not has_ended(work_dir) or summary.get('length') != length(cfg):
        return False
    if not same_config(summary.get('config', cfg.filename), cfg.filename, work_dir):
        raise ValueError(f'{work_dir} holds a finished run of {summary["config"]}, and '
                         f'{cfg.filename} is asked for: name another --work-dir, or leave --resume '
                         'out, which sets that run aside')
    other = None if options is None else difference(summary, options, amp)
    if other:
        raise ValueError(f'{work_dir} holds a finished run that was given {other[0]} and not '
                         f'{other[1] or "without these"}: name another --work-dir, or leave '
                         '--resume out, which sets that run aside')
    return True


def same_config(one: str, other: str, work_dir: str | Path) -> bool:
    """Whether two paths may be of one config: by name, as a run may be started anywhere.

    What a run has written into its work dir is its own config.
    """
    folder = Path(work_dir).resolve()
    if any(Path(path).resolve().is_relative_to(folder) for path in (one, other)):
        return True
    names = [config_name(path) for path in (one, other)]
    if not all('/' in name for name in names):
        names = [Path(name).name for name in names]
    return names[0] == names[1]


def train_config(cfg: Config, stop: StopRequest, baseline: Path | None = None,
                 with_picture: bool = False, settings: Mapping | None = None) -> None:
    """Trains a config whose teachers are there, tests the selected checkpoint and reports.

    Args:
        cfg: of the run.
        stop: ends it between two steps.
        baseline: work dir of the student's baseline, to be reported beside it.
        with_picture: whether a picture of both and the teacher is drawn.
        settings: ``options`` and ``amp`` of the command, which the summary keeps.

    Raises:
        SystemExit, ValueError: see :mod:`mmfkd.engine.checks`; a part has no such argument.
    """
    keep_timm_norms(cfg)
    use_gloo_without_gpu(cfg)
    use_views(cfg)
    run(cfg, stop, baseline, with_picture, settings or {})
    end_together()


def run(cfg: Config, stop: StopRequest, baseline: Path | None, with_picture: bool,
        settings: Mapping) -> None:
    """The training of this process; its runner is gone when this returns."""
    started = perf_counter()
    with located_arguments(str(cfg.filename), cfg.to_dict()):
        runner = build_runner(cfg, KeepingRunner)
        check_runner(runner)
    runner.register_hook(WorkDirHook())
    runner.register_hook(ReadsHook())
    runner.register_hook(TeacherCacheHook())
    runner.register_hook(StartCheckHook())
    runner.register_hook(LabelCensusHook())
    runner.register_hook(StopHook(stop))
    with explained_errors():
        runner.train()
    tested = test_selected(runner)
    if is_main_process():
        close(runner, {**tested, **settings}, perf_counter() - started, baseline, with_picture)


def has_test(runner: Runner) -> bool:
    """Whether a run is scored at its end: it has a test set, and labels of it are looked at."""
    if runner.cfg.get('test_dataloader') is None:
        return False
    scored = is_scored(runner.test_dataloader.dataset)
    if not scored:
        runner.logger.info("test_dataloader.dataset.labels='none': nothing is tested")
    return scored


def test_selected(runner: Runner) -> dict:
    """Metrics on the test set of the checkpoint that validation selected, else of the last one."""
    barrier()  # until the first process has written its checkpoints
    selected = selection(runner)
    path: Path | None
    if selected.get('ckpt'):
        path = Path(runner.work_dir, Path(selected['ckpt']).name)
    else:
        path = latest_checkpoint(runner.work_dir)[0]
        runner.logger.info('no validation selected a checkpoint: the last one is taken')
    if path is not None:
        # Not by the runner, whose hooks would take the raw weights of a moving average back.
        load_strictly(unwrapped(runner), load_weights(path), path)
    metrics = {}
    # Not before: what a hook tests after each epoch is not what is reported.
    if has_test(runner):
        runner.logger.info(f'tested is {path or "the network as it is"}')
        runner.register_hook(SampleScoreHook())
        metrics = runner.test()
    validated = selected.get('metrics') or {}
    return dict(checkpoint=path and str(path), test=metrics, val_metrics=validated,
                val=validated.get(main_metric(runner.cfg), selected.get('score')))


def selection(runner: Runner) -> dict:
    """``ckpt``, ``score`` and ``metrics`` of the best checkpoint, where validations select one."""
    if not selects(runner.cfg):
        return {}
    info, chosen = runner.message_hub.get_info, selecting_metric(runner.cfg)
    found = {key: info(f'best_{key}', None) for key in ('ckpt', 'score', 'metrics')}
    return {key: info(f'best_{key}_{chosen}', None) if value is None else value
            for key, value in found.items()}
