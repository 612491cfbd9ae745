"""Features that the branches of a distiller compute on the data of a split."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader

from mmfkd.models import CrossModalDistiller
from mmfkd.models.losses.shapes import IGNORED, nearest_labels, resized
from mmfkd.models.taps import TapError


class Features(NamedTuple):
    """What was recorded.

    Attributes:
        values: ``branch.tap`` to (n, D) or (n, D, H, W), float32.
        labels: (n,), or (n, H, W) of whole maps at the size of the last one; None without labels.
    """

    values: dict[str, np.ndarray]
    labels: np.ndarray | None


def collect_features(model: CrossModalDistiller, loader: Iterable,
                     keys: Sequence[str] = ('student.feat', 'teacher.feat'),
                     limit: int | None = None, pixels: int | None = None, seed: int = 0
                     ) -> Features:
    """Runs a split through students and teachers and keeps what their taps record.

    Args:
        model: stays as it is; run in eval mode.
        loader: of batches as the model's preprocessor takes them.
        keys: ``branch.tap`` of students and teachers.
        limit: number of samples to stop after.
        pixels: of maps, keep the vectors at so many places of each image, see
            :func:`draw_vectors`. Without it whole maps are kept, which fills the memory soon.
        seed: decides the places.

    Raises:
        ValueError: an unknown key, no sample, or maps whose sizes differ between batches.
    """
    generator = torch.Generator().manual_seed(seed)
    values: dict[str, list[np.ndarray]] = {key: [] for key in keys}
    labels: list[Any] = []
    for feats, samples in feature_batches(model, loader, keys, limit):
        if pixels is None:
            found = _labels(samples, feats[keys[-1]])
        else:
            feats, found = draw_vectors(feats, samples, pixels, generator)
        for key, feat in feats.items():
            values[key].append(feat.float().cpu().numpy())
        labels.append(found)
    if any(len({feat.shape[1:] for feat in feats}) > 1 for feats in values.values()):
        raise ValueError('the maps of the batches differ in size: keep the vectors of some pixels '
                         'instead (pixels)')
    return Features({key: np.concatenate(feats) for key, feats in values.items()},
                    None if any(found is None for found in labels)
                    else torch.cat(labels).cpu().numpy())


def feature_batches(model: CrossModalDistiller, loader: Iterable, keys: Sequence[str],
                    limit: int | None = None) -> Iterator[tuple[dict[str, Tensor], list]]:
    """Yields, batch by batch, ``branch.tap: feature`` and the data samples.

    Args: see :func:`collect_features`.

    Raises:
        ValueError: an unknown key, a tap that a prediction does not fill, or no sample.
    """
    check_keys(model, keys)
    if limit is not None and limit < 1:
        raise ValueError(f'limit={limit}: take at least 1 sample')
    training, seen = model.training, 0
    model.eval()
    try:
        for batch in loader:
            # As for training, where labels are padded like the images that features come from.
            data = model.data_preprocessor(batch, True)
            feats, samples = _recorded(model, data['inputs'], keys), data['data_samples']
            count = len(samples) if limit is None else min(len(samples), limit - seen)
            yield {key: feats[key][:count] for key in keys}, samples[:count]
            seen += count
            if seen == limit:
                break
    finally:
        model.train(training)
    if seen == 0:
        raise ValueError('the split has no batch: its data set is empty, or smaller than a batch '
                         'with drop_last')


def spread_loader(loader: Mapping[str, Any], limit: int | None) -> DataLoader:
    """A data loader, of so many samples that are evenly spread over its data set.

    The first ones of a list that is sorted by class would be of one or two classes.

    Args:
        loader: config of the data loader.
        limit: number of samples; None takes all.
    """
    whole = Runner.build_dataloader(dict(loader), seed=0)
    size = len(whole.dataset)
    if limit is None or not 0 < limit < size:
        return whole
    places = np.linspace(0, size - 1, limit).round().astype(int).tolist()
    return Runner.build_dataloader({**loader, 'dataset': whole.dataset, 'sampler': places}, seed=0)


def _recorded(model: CrossModalDistiller, inputs: Mapping[str, Tensor], keys: Sequence[str]
              ) -> dict[str, Tensor]:
    try:
        return model.features(inputs, keys)
    except TapError as error:
        # A module of an auxiliary head, say, is called in training alone.
        raise ValueError(str(error)) from None


def check_keys(model: CrossModalDistiller, keys: Sequence[str], where: str = '--taps') -> None:
    """Refuses taps that no branch has.

    Args:
        model: has the taps.
        keys: ``branch.tap``.
        where: others are chosen.

    Raises:
        ValueError: names those that there are.
    """
    known = model.tap_keys
    unknown = [key for key in keys if key not in known]
    if unknown or not keys:
        raise ValueError(f'{", ".join(unknown) or "no key"}: no such tap. The branches '
                         f'{", ".join(model.branches)} have {", ".join(known) or "none"}: choose '
                         f'by {where}, or take a config with another branch')


def draw_vectors(feats: Mapping[str, Tensor], samples: list, pixels: int,
                 generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor | None]:
    """Vectors of a batch: one a sample, or of maps those at some places of each image.

    The places are the same for all features: they are drawn on the grid of the last one, to which
    the others are resized as :class:`mmfkd.models.losses.DistillLoss` resizes the student to the
    teacher. Places without a label, such as padding, are not drawn, so n may be 0.

    Args:
        feats: all (N, D), or all (N, D, H, W).
        samples: N data samples.
        pixels: places of an image; all of them if it has fewer.
        generator: on the CPU.

    Returns:
        name to (n, D); and labels (n,), or None if the samples have none.

    Raises:
        ValueError: features of other or of different kinds, or ``pixels`` below 1.
    """
    kinds = {feat.ndim for feat in feats.values()}
    if kinds not in ({2}, {4}):
        shapes = {key: tuple(feat.shape) for key, feat in feats.items()}
        raise ValueError(f'taps of the shapes {shapes} do not compare: name taps of the same kind, '
                         "(N, D) or (N, D, H, W), or average maps with 'pool' of the branch")
    last = list(feats.values())[-1]
    labels = _labels(samples, last)
    if kinds == {2}:
        return dict(feats), labels
    if pixels < 1:
        raise ValueError(f'pixels={pixels}: take at least 1 of an image')
    size = last.shape[-2:]
    places = _draw_places(labels, len(last), size.numel(), pixels, generator).to(last.device)
    rows = {key: resized(feat.float(), size).movedim(1, -1).flatten(0, 2)[places]
            for key, feat in feats.items()}
    return rows, None if labels is None else labels.flatten()[places]


def _labels(samples: list, feat: Tensor) -> Tensor | None:
    """Classes of the samples, or of the pixels of a map, on the map's device."""
    if feat.ndim == 4 and all('gt_sem_seg' in sample for sample in samples):
        return torch.cat([nearest_labels(sample.gt_sem_seg.data, feat.shape[-2:])
                          for sample in samples]).to(feat.device)
    if feat.ndim < 4 and all('gt_label' in sample for sample in samples):
        return torch.cat([sample.gt_label for sample in samples]).to(feat.device)
    return None


def _draw_places(labels: Tensor | None, images: int, area: int, pixels: int,
                 generator: torch.Generator) -> Tensor:
    """Places in the flattened maps of a batch, up to ``pixels`` of each image."""
    drawn = []
    for image in range(images):
        places = (torch.arange(area) if labels is None
                  else (labels[image].flatten() != IGNORED).nonzero().flatten().cpu())
        chosen = torch.randperm(len(places), generator=generator)[:pixels]
        drawn.append(image * area + places[chosen])
    return torch.cat(drawn)
