"""The end of a training: summary, table and picture of teacher, baseline and student."""

from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from mmengine.runner import Runner
from rich.console import Console

from mmfkd.checkpoints import read_summary, resolve_checkpoint, selected_checkpoint, write_summary
from mmfkd.config import load_config, main_metric
from mmfkd.evaluation.sample_scores import samples_of
from mmfkd.evaluation.statistics import compare
from mmfkd.inference.loading import load_student
from mmfkd.inference.opening import open_run
from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.visualization.charts import bars
from mmfkd.visualization.panels import caption_of, draw_panels, panel
from mmfkd.visualization.tables import closing_table

from .hooks.checkpoint import length
from .hooks.unwrapped import unwrapped
from .teachers import trained_branches

PICTURE = 'comparison.png'


def close(runner: Runner, tested: dict, seconds: float, baseline: Path | None = None,
          with_picture: bool = False) -> None:
    """Writes ``summary.json`` and prints who taught whom and how well all do.

    Args:
        runner: of the training.
        tested: checkpoint, val and test of the student, and whatever else the summary keeps.
        seconds: that the training took.
        baseline: work dir of the student's baseline, if there is one.
        with_picture: whether a picture of teacher, baseline and student is drawn.
    """
    cfg = runner.cfg
    summary = dict(tested, config=cfg.filename, seed=runner.seed, seconds=seconds,
                   length=length(cfg))
    rows = closing_rows(runner, summary, baseline)
    write_summary(Path(cfg.work_dir), summary)
    Console().print(closing_table(str(main_metric(cfg) or 'score'), rows))
    if baseline and summary.get('gain') is not None:
        print(verdict(summary, Path(cfg.work_dir), baseline))
    print(f'work dir: {cfg.work_dir}')
    if baseline and with_picture:
        print(f'picture: {draw_comparison(runner, rows, baseline)}')


def closing_rows(runner: Runner, summary: dict, baseline: Path | None) -> list[tuple]:
    """Rows of the closing table; the summary gets teachers, maxima, baseline and gain."""
    model, metric, info = unwrapped(runner), main_metric(runner.cfg), runner.message_hub.get_info
    name = Path(summary['checkpoint']).name if summary['checkpoint'] else 'none'
    if not isinstance(model, CrossModalDistiller):
        return [('model', (), summary['val'], summary['test'].get(metric), name)]
    rows: list[tuple] = []
    folders = {branch: folder for branch, _, folder in trained_branches(runner.cfg)}
    for branch, teacher in model.teachers.items():
        score = summary[f'teacher_{branch}'] = info(f'teacher_{branch}', None)
        test = score_in(folders.get(branch), metric) if baseline else None
        rows.append((branch, teacher.modalities, score, test, 'frozen'))
    if baseline:
        rows.append(baseline_row(model.student, summary, baseline, metric))
    for branch, student in model.students.items():
        first = student is model.student
        maximum = info(f'test_maximum_{branch}', None)
        if maximum is not None:
            summary['test_maximum' if first else f'test_maximum_{branch}'] = maximum
        rows.append((branch, student.modalities, summary['val'] if first else None,
                     summary['test'].get(metric if first else f'{branch}/{metric}'), name))
        for subset in student.subsets if first else ():
            some = '+'.join(subset)
            rows.append((f'{branch} on {some}', subset,
                         summary.get('val_metrics', {}).get(f'{some}/{metric}'),
                         summary['test'].get(f'{some}/{metric}'), name))
    return rows


def baseline_row(student: Branch, summary: dict, baseline: Path, metric: str | None) -> tuple:
    """Row of the baseline; the summary gets its score and the gain.

    The gain compares like with like: a network of several modalities on that of its baseline alone
    (``gain_with``), if that is among its subsets.
    """
    modalities = modalities_of(baseline, student.modalities)
    same = set(modalities) == set(student.modalities)
    alone = '' if same else next(('+'.join(subset) for subset in student.subsets
                                  if set(subset) == set(modalities)), '+'.join(modalities))
    own = summary['test'].get(f'{alone}/{metric}' if alone else metric)
    test, best = score_in(baseline, metric), selected_checkpoint(baseline)
    summary['baseline_work_dir'] = str(baseline)
    if isinstance(own, Real) and test is not None:
        summary.update(baseline=test, gain=float(own) - test, gain_with=alone)
    return ('baseline', modalities, (read_summary(baseline) or {}).get('val'), test,
            best.name if best else 'none')


def modalities_of(baseline: Path, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """What a baseline takes, by the config in its work dir; ``otherwise`` where none says it."""
    try:
        spec = next(iter(open_run(baseline)[0].model.students.values()))
    except (FileNotFoundError, ValueError):  # of no student, or not one config
        return otherwise
    return (spec.modality,) if isinstance(spec.modality, str) else tuple(spec.modality)


def verdict(summary: dict, work_dir: Path, baseline: Path) -> str:
    """The gain in words, with what the choice of the test samples leaves open.

    Args:
        summary: of the run, with its ``gain``.
        work_dir: of the run.
        baseline: work dir of the baseline.
    """
    gain, base = summary['gain'], summary['baseline']
    alone = summary.get('gain_with')
    text = (f'distillation against the baseline, on test{f" with {alone} alone" if alone else ""}: '
            f'{gain:+.2f}')
    if alone:  # the samples' scores are those with all modalities
        return text
    counts, others = samples_of(work_dir, base + gain), samples_of(baseline, base)
    if counts is None or others is None:
        return text
    found = compare({0: base + gain}, {0: base}, {0: counts}, {0: others})
    if found is None or not found.sampled:  # of other test samples
        return text
    doubt = ', within what other test samples would change' * (found.low <= 0 <= found.high)
    return (f'{text} ({found.low:+.2f} to {found.high:+.2f} in 95 % of the draws of its '
            f'{len(counts)} samples)\none training of each{doubt}: mmfkd benchmark with --seeds '
            '0 1 2 tells a gain from chance')


def score_in(folder: Path | None, metric: str | None) -> float | None:
    """A metric on test in the summary of a run."""
    value = ((read_summary(folder) or {}) if folder else {}).get('test', {}).get(metric)
    return float(value) if isinstance(value, (int, float)) else None


def draw_comparison(runner: Runner, rows: list[tuple], baseline: Path) -> Path:
    """Draws teacher, baseline and student: test images of segmentation, else their scores.

    Returns:
        the path of the picture, in the work dir.
    """
    path = Path(runner.work_dir, PICTURE)
    if 'palette' in (runner.test_dataloader.dataset.metainfo or {}):
        figure = image_rows(runner, baseline)
    else:
        metric = str(main_metric(runner.cfg))
        figure = bars({row[0]: {metric: row[3]} for row in rows if row[3] is not None}, metric)
    figure.savefig(path, dpi=110)
    return path


def image_rows(runner: Runner, baseline: Path, count: int = 4) -> Figure:
    """Test images, evenly spread, with the predictions of teacher, baseline and student."""
    model, cfg = unwrapped(runner), runner.cfg
    folders = {name: (config, folder) for name, config, folder in trained_branches(cfg)}
    models: dict[str, Any] = {}
    for name in model.teachers:
        if name in folders:
            config, folder = folders[name]
            models[name] = load_student(load_config(config), resolve_checkpoint(folder))
    models['baseline'] = load_student(load_config((read_summary(baseline) or {})['config']),
                                      resolve_checkpoint(baseline))
    models['student'] = model.eval()
    dataset = runner.test_dataloader.dataset
    places = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)
    return draw_panels([panel(dataset, int(place), models) for place in places],
                       dataset.metainfo, caption_of(places))
