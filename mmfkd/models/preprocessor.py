"""The data preprocessor: lists of samples to one tensor per modality."""

import logging
from collections.abc import Mapping, Sequence

import torch
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS


@MODELS.register_module()
class MultiModalDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device, pads each modality to one size and stacks it.

    Normalisation is not done here: it belongs to the branch (:class:`Branch`). Labels are padded
    once, with ``seg_pad_val``, at the right and the bottom, as mmseg does.

    Args:
        size_divisor: height and width are padded to a multiple of it; 1 for no more than the
            largest image of the batch.
        pad_val: raw value that fills the padding, or one per modality.
        seg_pad_val: label of padded pixels.
        non_blocking: see mmengine.

    Raises:
        ValueError: a ``size_divisor`` that is no whole number of 1 or more.
    """

    def __init__(self, size_divisor: int = 1, pad_val: float | Mapping[str, float] = 0,
                 seg_pad_val: int = 255, non_blocking: bool = False) -> None:
        super().__init__(non_blocking)
        if not isinstance(size_divisor, int) or size_divisor < 1:
            raise ValueError(f'model.data_preprocessor.size_divisor={size_divisor}: give a whole '
                             'number of 1 or more; 1, the default, rounds no size, and a network '
                             'that halves its maps five times, such as MMANet, needs 32')
        self.size_divisor = size_divisor
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self._told = False

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stacks a collated batch.

        Args:
            data: ``inputs`` with a list of (C, H, W) tensors per modality (or of tensors of one
                shape that is not an image's), ``data_samples`` with a list.
            training: whether labels are padded too; in validation predictions are cropped
                back instead.

        Returns:
            ``inputs`` with one (N, C, H, W) tensor per modality, ``data_samples``.
        """
        data = self.cast_data(data)
        samples = data.get('data_samples')
        if not training:
            self._tell_of_sizes(data['inputs'], samples)
        inputs = {name: self._stack(name, tensors) for name, tensors in data['inputs'].items()}
        if samples is not None:
            self._describe(samples, data['inputs'], inputs, training)
        return dict(inputs=inputs, data_samples=samples)

    def _tell_of_sizes(self, images: Mapping[str, list[Tensor]], samples: list | None) -> None:
        """Warns once where what is predicted depends on the other images of a batch."""
        mixed = [name for name, tensors in images.items()
                 if len({tensor.shape[-2:] for tensor in tensors if tensor.ndim > 2}) > 1]
        if mixed and not self._told:
            self._told = True
            print_log(f'{", ".join(mixed)}: images of several sizes are padded to the largest of '
                      'their batch, so that scores depend on batch_size. Set batch_size=1 of the '
                      f'data loader, or {size_cure(mixed[0], samples or ())}',
                      logger='current', level=logging.WARNING)

    def _stack(self, name: str, tensors: list[Tensor]) -> Tensor:
        if tensors[0].ndim < 3:
            return torch.stack(tensors)
        value = self.pad_val[name] if isinstance(self.pad_val, Mapping) else self.pad_val
        height, width = (self._round_up(max(t.shape[i] for t in tensors)) for i in (-2, -1))
        if any(t.shape[-2:] != (height, width) for t in tensors):
            tensors = [F.pad(t, (0, width - t.shape[-1], 0, height - t.shape[-2]), value=value)
                       for t in tensors]
        return torch.stack(tensors)

    def _round_up(self, length: int) -> int:
        return -(-length // self.size_divisor) * self.size_divisor

    def _describe(self, samples: list, images: Mapping[str, list[Tensor]],
                  inputs: Mapping[str, Tensor], training: bool) -> None:
        """Writes the padding of the images into the samples, and pads labels for training."""
        name = next((name for name, x in inputs.items() if x.ndim == 4), None)
        if name is None:
            return
        height, width = inputs[name].shape[-2:]
        for sample, image in zip(samples, images[name], strict=True):
            padding = (0, width - image.shape[-1], 0, height - image.shape[-2])
            sample.set_metainfo(dict(img_shape=tuple(image.shape[-2:]),
                                     pad_shape=(height, width), padding_size=padding))
            if training and 'gt_sem_seg' in sample and any(padding):
                padded = F.pad(sample.gt_sem_seg.data, padding, value=self.seg_pad_val)
                del sample.gt_sem_seg.data
                sample.gt_sem_seg.data = padded


def size_cure(modality: str, samples: Sequence) -> str:
    """How the images of a modality get one size, of samples that are classified or segmented."""
    if samples and isinstance(samples[0], DataSample):
        return (f"resize in the pipeline: dict(type='TransformImages', modality='{modality}', "
                "transforms=[dict(type='mmpretrain.Resize', scale=(W, H))]), of sound "
                "dict(type='FitLength', seconds=...)")
    return "resize in the pipeline: dict(type='mmseg.Resize', scale=..., keep_ratio=False)"
