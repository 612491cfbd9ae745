"""The networks of a demo page: students, their teachers and the baseline."""

from collections.abc import Callable
from pathlib import Path

from mmfkd.checkpoints import read_summary
from mmfkd.config import default_work_dir
from mmfkd.inference import Predictor
from mmfkd.inference.opening import is_export, open_run

BASELINE = 'baseline'


def open_networks(model: str | Path, checkpoint: str | Path = 'best',
                  baseline: str | Path | None = None, device: str | None = None,
                  report: Callable[[str], None] = print) -> dict[str, Predictor]:
    """Opens every network of a run, the first student first.

    Args:
        model: a work dir, a config, or the folder of an export, which holds one network.
        checkpoint: of the students: a file, or 'best'.
        baseline: work dir of the student's baseline; by default the one that the run was compared
            with, if there is one.
        device: such as 'cpu'; the GPU if there is one, by default.
        report: is told which teacher or baseline cannot be opened, and so is not shown.

    Returns:
        title to network.

    Raises:
        FileNotFoundError, ValueError: a student cannot be opened, or the baseline that is named.
    """
    if is_export(model):
        networks = dict(student=Predictor(model, checkpoint, device=device))
        recorded = None
    else:
        cfg, work_dir = open_run(model, teachers=True)
        networks = {name: Predictor(model, checkpoint, device=device, branch=name)
                    for name in cfg.model.students}
        for name in cfg.model.get('teachers') or {}:
            try:
                networks[name] = Predictor(model, device=device, branch=name)
            except (FileNotFoundError, ValueError) as error:
                report(f"the teacher '{name}' is not shown: {error}")
        folder = work_dir or cfg.get('work_dir') or default_work_dir(cfg.filename)
        recorded = (read_summary(folder) or {}).get('baseline_work_dir')
    if baseline is not None:
        networks[BASELINE] = Predictor(baseline, device=device)
    elif recorded is not None:
        try:
            networks[BASELINE] = Predictor(recorded, device=device)
        except (FileNotFoundError, ValueError) as error:
            report(f'the baseline is not shown: {error}')
    return networks


def kinds_of(networks: dict[str, Predictor]) -> dict[str, str]:
    """Modality to its kind, of all networks together, those of the first student first."""
    found: dict[str, str] = {}
    for network in networks.values():
        found = {**network.kinds, **found}
    first = next(iter(networks.values())).modalities
    return {name: found[name] for name in dict.fromkeys((*first, *found))}
