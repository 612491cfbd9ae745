"""Rows of images, truth and predictions, as in the qualitative figures of CSK-Net."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmengine.dataset import BaseDataset, pseudo_collate

from mmfkd.models import CrossModalDistiller

from .pictures import paint, picture


@torch.no_grad()
def panel(dataset: BaseDataset, index: int, models: Mapping[str, CrossModalDistiller]
          ) -> dict[str, np.ndarray]:
    """Pictures of a sample by title: each modality, 'truth', and the prediction of each model.

    Args:
        dataset: a segmentation data set with labels.
        index: of the sample.
        models: title to a distiller, in eval mode.

    Returns:
        title to uint8 (H, W, 3), RGB; predictions and truth in the data set's palette.
    """
    batch = pseudo_collate([dataset[index]])
    palette = np.array(dataset.metainfo['palette'], dtype=np.uint8)
    pictures = {name: picture(images[0]) for name, images in batch['inputs'].items()}
    pictures['truth'] = paint(batch['data_samples'][0].gt_sem_seg.data, palette)
    for title, model in models.items():
        # A copy for each, as each writes its prediction into the samples.
        sample = model.test_step(deepcopy(batch))[0]
        pictures[title] = paint(sample.pred_sem_seg.data, palette)
    return pictures


def draw_panels(rows: Sequence[Mapping[str, np.ndarray]], meta: Mapping[str, Sequence],
                caption: str = '') -> Figure:
    """A figure with a row a sample, a titled column a picture, and a legend of the classes.

    Args:
        rows: of :func:`panel`, with the same titles.
        meta: ``classes`` and ``palette`` of the data set; classes whose colour is in no truth are
            left out of the legend.
        caption: below the pictures, above the legend.
    """
    titles = list(rows[0])
    height, width = rows[0][titles[0]].shape[:2]
    figure = Figure(figsize=(2.2 * len(titles), 2.2 * height / width * len(rows) + 0.4),
                    layout='constrained')
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for i, row in enumerate(rows):
        for axis, title in zip(axes[i], titles, strict=True):
            axis.imshow(row[title], interpolation='nearest')
            axis.set_axis_off()
            if i == 0:
                axis.set_title(title)
    seen = {tuple(colour) for row in rows for colour in np.unique(
        row['truth'].reshape(-1, 3), axis=0).tolist()}
    patches = [Patch(color='#{:02x}{:02x}{:02x}'.format(*colour), label=name) for name, colour in
               zip(meta['classes'], meta['palette'], strict=True) if tuple(colour) in seen]
    # As its title a caption never lies over the legend, however small the images are.
    figure.legend(handles=patches, loc='outside lower center', ncols=max(2, 2 * len(titles) - 1),
                  fontsize='small', frameon=False, title=caption, title_fontsize='small')
    return figure


def caption_of(indices: Iterable[int]) -> str:
    """What a figure of test images shows."""
    return f'Test images {", ".join(map(str, indices))}: inputs, truth and predictions.'
