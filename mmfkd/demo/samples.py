"""Samples of a test set to pick from."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from mmfkd.inference.opening import is_export, open_run
from mmfkd.registry import DATASETS
from mmfkd.visualization.pictures import paint, picture


class Samples:
    """Some samples of a test set, evenly spread over it.

    Args:
        dataset: the test set.
        count: of samples.
    """

    def __init__(self, dataset: BaseDataset, count: int = 12) -> None:
        self._dataset = dataset
        self.places = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> dict[str, Any]:
        """A sample as the data set gives it: ``inputs`` by modality, and ``data_samples``."""
        return self._dataset[int(self.places[i])]

    def thumbnail(self, i: int) -> np.ndarray:
        """The first modality as a picture, RGB uint8 (H, W, 3)."""
        for x in self[i]['inputs'].values():
            if x.ndim > 2:
                return picture(x[len(x) // 2] if x.ndim == 4 else x)
        modalities = self._dataset.get_data_info(int(self.places[i]))['modalities']
        return written(next(text for text in modalities.values() if isinstance(text, str)))

    def truth(self, i: int, palette: np.ndarray) -> np.ndarray | str | None:
        """The label: a picture in the colours of the classes, a name, or None without one."""
        sample, meta = self[i]['data_samples'], self._dataset.metainfo or {}
        if 'gt_sem_seg' in sample:
            return paint(sample.gt_sem_seg.data, palette)
        if 'gt_label' in sample and sample.gt_label >= 0:
            return str(meta['classes'][int(sample.gt_label)])
        return None


def open_samples(model: str | Path, count: int = 12, report: Callable[[str], None] = print
                 ) -> Samples | None:
    """Samples of the test set of a run.

    Args:
        model: a work dir or a config; an export has none.
        count: of samples.
        report: is told why there are none.

    Returns:
        the samples; None where the files of the test set are not here.
    """
    if is_export(model):
        return None
    cfg, _ = open_run(model, teachers=True)
    if cfg.get('test_dataloader') is None:
        report('there are no samples to pick from: the config has no test_dataloader')
        return None
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    try:
        return Samples(DATASETS.build(cfg.test_dataloader.dataset), count)
    except FileNotFoundError as error:
        report(f'there are no samples to pick from: {error}')
        return None


def written(text: str) -> np.ndarray:
    """A text as a picture, RGB uint8 (200, 200, 3)."""
    figure = Figure(figsize=(2, 2), dpi=100)
    figure.text(0.5, 0.5, textwrap.fill(text, 24)[:200], ha='center', va='center', fontsize=9,
                parse_math=False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
