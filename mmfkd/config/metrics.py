"""The metric that a run is judged by."""

from mmengine.config import Config


def main_metric(cfg: Config) -> str | None:
    """The metric that selects a run's checkpoint, the first of several.

    Where none does, it is the metric by which teachers are judged, or None.
    """
    hooks = cfg.get('default_hooks') or {}
    chosen = (hooks.get('checkpoint') or {}).get('save_best')
    if isinstance(chosen, (list, tuple)):
        chosen = chosen[0] if chosen else None
    if chosen and chosen != 'auto':
        return chosen
    return (hooks.get('teacher_report') or {}).get('metric')
