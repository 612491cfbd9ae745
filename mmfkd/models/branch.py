"""A branch: one network of one modality, with its normalisation and its taps."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .taps import Taps


class Normalize(nn.Module):
    """Subtracts a mean and divides by a standard deviation, per channel.

    Args:
        mean: one value a channel, in the units of the input and in the order after ``flip``.
        std: likewise.
        bgr_to_rgb: reverse the channels first.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float],
                 bgr_to_rgb: bool = False) -> None:
        super().__init__()
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'norm: mean {mean} and std {std} need the same length and std > 0')
        self.bgr_to_rgb = bgr_to_rgb
        for name, values in (('mean', mean), ('std', std)):
            column = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
            self.register_buffer(name, column, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) of any dtype to float32."""
        if x.size(1) != self.mean.size(0):
            raise ValueError(f'norm: the input has {x.size(1)} channels, but mean and std have '
                             f'{self.mean.size(0)} values')
        x = x.flip(1) if self.bgr_to_rgb else x
        return (x - self.mean).div_(self.std)


class Branch(BaseModule):
    """One network and what belongs to it: modality, normalisation, taps.

    The normalisation is part of the branch and not of the data, so a teacher sees what it was
    trained on whatever its students see.

    Args:
        model: config of an mmseg or mmpretrain model, with ``_scope_``; or a built module that
            follows mmengine's contract ``model(inputs, data_samples, mode)``.
        modality: the key of the input that the network takes, or several for a multi-modal
            network, which is then given a dict.
        norm: arguments of :class:`Normalize`, or one such dict per modality. Without it inputs
            are passed on as float32.
        taps: see :class:`Taps`.

    Raises:
        ValueError: an unknown place in ``taps``, or a ``norm`` that does not fit.
    """

    def __init__(self, model: dict | nn.Module, modality: str | Sequence[str],
                 norm: dict | None = None, taps: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.modality = modality if isinstance(modality, str) else tuple(modality)
        norms = {modality: norm} if isinstance(modality, str) else (norm or {})
        unknown = set(norms) - set(self.modalities)
        if unknown:
            raise ValueError(f'norm has {sorted(unknown)}, but the modalities are '
                             f'{list(self.modalities)}: with several, give one dict per modality')
        self.norms = nn.ModuleDict({m: Normalize(**args) for m, args in norms.items() if args})
        self.model = model if isinstance(model, nn.Module) else MODELS.build(model)
        self.taps = Taps(self.model, taps or {})

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that the network takes."""
        return (self.modality,) if isinstance(self.modality, str) else self.modality

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor', record: bool = True) -> tuple:
        """Runs the network on its modality.

        Args:
            inputs: one stacked tensor per modality.
            data_samples: as the network wants them.
            mode: 'loss', 'predict' or 'tensor'.
            record: whether to fill the taps.

        Returns:
            the network's output, and ``tap name: tensor``.

        Raises:
            KeyError: the data does not hold the branch's modality.
        """
        missing = [m for m in self.modalities if m not in inputs]
        if missing:
            raise KeyError(f'modality {missing} is not in the data, which has {list(inputs)}: '
                           "check 'modality' of the branch and 'modalities' of the data set")
        normed = {m: self.norms[m](inputs[m]) if m in self.norms else inputs[m].float()
                  for m in self.modalities}
        x = normed[self.modality] if isinstance(self.modality, str) else normed
        with self.taps.recording() if record else nullcontext({}) as feats:
            output = self.model(x, data_samples, mode=mode)
        return output, feats
