"""Packing of samples whose modalities have no common geometry."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import PackInputs
from torch import Tensor

from mmfkd.registry import TRANSFORMS

from .forms import check_loaded


@TRANSFORMS.register_module()
class PackPairs(BaseTransform):
    """Packs modalities as tensors; labels and meta data by mmpretrain's ``PackInputs``.

    Required Keys:

    - modalities: arrays (H, W, C) of images and spectrograms, lists of them of clips, int64 (L,)
      of tokens

    Returns ``inputs``, ``{name: (C, H, W), (T, C, H, W) or (L,) tensor}`` in the dtype that was
    loaded, and ``data_samples``, a ``DataSample``.

    Args:
        meta_keys: see mmpretrain's ``PackInputs``.

    Raises:
        ValueError: a modality is not loaded yet.
    """

    def __init__(self, meta_keys: Sequence[str] = ('sample_idx', 'img_path')) -> None:
        self.pack = PackInputs(meta_keys=meta_keys)

    def transform(self, results: dict) -> dict:
        """See the class."""
        modalities = results.pop('modalities')
        packed = self.pack(results)
        for name, value in modalities.items():
            loader = 'TokenizeText' if isinstance(value, str) else 'LoadImage'
            check_loaded(value, name, 'PackPairs', loader)
        packed['inputs'] = {name: to_tensor(array) for name, array in modalities.items()}
        return packed


def to_tensor(array: np.ndarray | list[np.ndarray]) -> Tensor:
    """Channels first: (H, W, C) to (C, H, W), a list of T of them to (T, C, H, W)."""
    if isinstance(array, list):
        return torch.stack([to_tensor(frame) for frame in array])
    if array.ndim == 3:
        array = array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))
