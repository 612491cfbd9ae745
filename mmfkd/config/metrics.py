"""The metric that a run is judged by."""

from mmengine.config import Config

# Before the name of a metric: its mean over what PerBranchMetric is told to take together.
MEAN = 'mean/'


def selecting_metric(cfg: Config) -> str | None:
    """The metric that selects a run's checkpoint, the first of several; None if nothing does."""
    chosen = ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('save_best')
    if isinstance(chosen, (list, tuple)):
        chosen = chosen[0] if chosen else None
    return chosen if chosen != 'auto' else None


def selects(cfg: Config) -> bool:
    """Whether validations select a run's checkpoint; else it is the last one."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    return bool(hook.get('save_best')) and cfg.get('val_dataloader') is not None


def main_metric(cfg: Config) -> str | None:
    """The metric that a run is judged by: the one that selects its checkpoint.

    Where that is a mean over several settings, as ``mean/mIoU``, it is the student's on all its
    modalities; where none selects, that by which teachers are judged, or None.
    """
    if chosen := selecting_metric(cfg):
        return chosen.removeprefix(MEAN)
    return ((cfg.get('default_hooks') or {}).get('teacher_report') or {}).get('metric')
