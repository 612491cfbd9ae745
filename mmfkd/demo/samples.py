"""Samples of a test set to pick from."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmcv.transforms import Compose
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from mmfkd.datasets.pipelines import modality_of, registered_modalities
from mmfkd.export.mmseg_config import dataset_config
from mmfkd.inference import Predictor
from mmfkd.inference.opening import is_export, open_run
from mmfkd.inference.reading import unlabelled
from mmfkd.inference.samples import Sample
from mmfkd.registry import DATASETS, TRANSFORMS
from mmfkd.visualization.pictures import paint, picture


class Samples:
    """Some samples of a test set, evenly spread over it.

    Args:
        dataset: the test set.
        count: of samples.
        config: of the data set; None if every network reads samples as it does.
    """

    def __init__(self, dataset: BaseDataset, count: int = 12, config: Mapping | None = None
                 ) -> None:
        self._dataset = dataset
        self._config = config
        self.places = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> dict[str, Any]:
        """A sample as the data set gives it: ``inputs`` by modality, and ``data_samples``."""
        return self._dataset[int(self.places[i])]

    def read_by(self, i: int, network: Predictor) -> dict[str, Any]:
        """A sample as the network's own data set reads it, as uploads are read.

        Raises:
            FileNotFoundError, ValueError: a file cannot be read so.
        """
        own, names = network.opened.dataset, network.modalities
        if self._config is None or ways_to_read(own, names) == ways_to_read(self._config, names):
            return self[i]
        info = self._dataset.get_data_info(int(self.places[i]))
        if 'modalities' not in info:  # rendered, and so without files
            return Compose([TRANSFORMS.build(step) for step in own['pipeline']])(info)
        registered = registered_modalities(own)
        given = {name: dict(path=spec['path']) if name in registered else spec
                 for name, spec in info['modalities'].items() if name in names}
        return network.pipeline(Sample('', given), i) if given else dict(inputs={})

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
        return Samples(DATASETS.build(cfg.test_dataloader.dataset), count, dataset_config(cfg))
    except FileNotFoundError as error:
        report(f'there are no samples to pick from: {error}')
        return None


def ways_to_read(dataset: Mapping, names: Sequence[str]) -> tuple:
    """What a data set does with some modalities: its steps without labels, and its loaders."""
    steps = [step for step in unlabelled(dataset.get('pipeline') or ())
             if modality_of(step) in (None, *names)]
    registered = registered_modalities(dataset)
    return steps, {name: registered.get(name) for name in names}


def written(text: str) -> np.ndarray:
    """A text as a picture, RGB uint8 (200, 200, 3)."""
    figure = Figure(figsize=(2, 2), dpi=100)
    figure.text(0.5, 0.5, textwrap.fill(text, 24)[:200], ha='center', va='center', fontsize=9,
                parse_math=False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
