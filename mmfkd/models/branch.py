"""A branch: one network of one modality, with its normalisation and its taps."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .arguments import located_arguments
from .far_values import in_program, warn_of_far_values
from .shape_errors import explained_shapes, in_branch
from .taps import Taps


class Normalize(nn.Module):
    """Subtracts a mean and divides by a standard deviation, per channel.

    Args:
        mean: one value a channel, in the units of the input and in the order of the channels
            after ``bgr_to_rgb``.
        std: likewise.
        bgr_to_rgb: reverse the channels first.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float],
                 bgr_to_rgb: bool = False) -> None:
        super().__init__()
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'norm: mean {mean} and std {std} need the same length and std > 0')
        self.bgr_to_rgb = bgr_to_rgb
        self.arguments = dict(mean=[float(x) for x in mean], std=[float(x) for x in std],
                              bgr_to_rgb=bool(bgr_to_rgb))
        for name, values in (('mean', mean), ('std', std)):
            column = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
            self.register_buffer(name, column, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C, H, W) of any dtype to float32."""
        if x.size(-3) != self.mean.size(0):
            raise ValueError(f'norm: the input has {x.size(-3)} channels, but mean and std have '
                             f'{self.mean.size(0)} values')
        x = x.flip(-3) if self.bgr_to_rgb else x
        return (x - self.mean).div_(self.std)


class BranchOutput(NamedTuple):
    """What a branch computes.

    Attributes:
        output: of the network, in the form of its mode.
        feats: tap to what losses are given: with channels first, frames unfolded, and pooled
            where asked for.
        recorded: tap to the tensor in the network.
    """

    output: Any
    feats: dict[str, Tensor]
    recorded: dict[str, Tensor]


class Branch(BaseModule):
    """One network and what belongs to it: modality, normalisation, taps.

    The normalisation is part of the branch and not of the data, so a teacher sees what it was
    trained on whatever its students see.

    A clip, (N, T, C, H, W), is folded into a batch of N · T frames for the network, and what its
    taps record is unfolded again; the network's neck averages the frames
    (:class:`mmfkd.models.FramePooling`).

    Args:
        model: config of an mmseg or mmpretrain model, with ``_scope_``; or a built module that
            follows mmengine's contract ``model(inputs, data_samples, mode)``.
        modality: the key of the input that the network takes, or several for a multi-modal
            network, which is then given a dict.
        norm: arguments of :class:`Normalize`, or one such dict per modality. Without it inputs
            are passed on as float32.
        taps: see :class:`Taps`.
        pool: taps of maps that are averaged over space, and over frames, into vectors (N, C).
        available: modalities that a multi-modal network is given outside of training; by default
            those that the data holds.
        subsets: further such choices, which are predicted and evaluated beside.
        channels_last: whether weights and images lie in memory with their channels last, which
            convolutions of GPUs read faster; values and shapes stay as they are.

    Attributes:
        complete: whether it needs all of its modalities, or those of ``available``, also outside
            of training, as teachers do.

    Raises:
        ValueError: an unknown argument in ``model``, an unknown place in ``taps``, an unknown tap
            in ``pool``, an unknown modality in ``available`` or ``subsets``, or a ``norm`` that
            does not fit.
    """

    complete = False

    def __init__(self, model: dict | nn.Module, modality: str | Sequence[str],
                 norm: dict | None = None, taps: Mapping[str, str] | None = None,
                 pool: Sequence[str] = (), available: Sequence[str] | None = None,
                 subsets: Sequence[Sequence[str]] = (), channels_last: bool = False) -> None:
        super().__init__()
        missing_taps = [name for name in pool if name not in (taps or {})]
        if missing_taps:
            raise ValueError(f'pool names {missing_taps}, but the taps are {list(taps or {})}')
        self.pool = tuple(pool)
        self.modality = modality if isinstance(modality, str) else tuple(modality)
        self.available = self._known('available', available) if available else None
        self.subsets = tuple(self._known('subsets', subset) for subset in subsets)
        norms = {modality: norm} if isinstance(modality, str) else (norm or {})
        unknown = set(norms) - set(self.modalities)
        if unknown:
            raise ValueError(f'norm has {sorted(unknown)}, but the modalities are '
                             f'{list(self.modalities)}: with several, give one dict per modality')
        self.norms = nn.ModuleDict({m: Normalize(**args) for m, args in norms.items() if args})
        self._unseen = set(self.norms)  # modalities of which no batch has been checked
        with located_arguments(f'model of the branch of {modality}', model):
            self.model = model if isinstance(model, nn.Module) else MODELS.build(model)
        self.channels_last = channels_last
        if channels_last:
            self.model._apply(last_in_memory)
        self.taps = Taps(self.model, taps or {})
        self.classes: tuple[str, ...] = ()  # of the checkpoint, where one was loaded

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that the network takes."""
        return (self.modality,) if isinstance(self.modality, str) else self.modality

    @property
    def takes(self) -> dict[str, dict | None]:
        """Modality to the arguments of its normalisation, as checkpoints keep them."""
        norms: Any = self.norms
        return {name: norms[name].arguments if name in norms else None
                for name in self.modalities}

    def _known(self, argument: str, names: Sequence[str]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in self.modalities]
        if unknown or not names or isinstance(names, str):
            raise ValueError(f'{argument}: {names!r} is no list of one or more of the modalities '
                             f'{list(self.modalities)}')
        return tuple(names)

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor', record: bool | Sequence[str] = True,
                available: Sequence[str] | None = None) -> BranchOutput:
        """Runs the network on its modality.

        Args:
            inputs: one stacked tensor per modality.
            data_samples: as the network wants them.
            mode: 'loss', 'predict' or 'tensor'.
            record: whether to fill the taps, or the names of those to fill.
            available: modalities to use, in place of ``available`` of the branch.

        Raises:
            KeyError: the data does not hold the branch's modality; of a multi-modal network, none
                of them, or in training or of a teacher not all.
        """
        x, frames = self.prepare(self._present(inputs, mode, available or self.available))
        names: Any = None if record is True else record
        recorder: AbstractContextManager[dict[str, Tensor]] = (
            self.taps.recording(names) if record else nullcontext({}))
        with recorder as recorded, explained_shapes(**in_branch(str(self.modality), x)):
            output = self.model(x, data_samples, mode=mode)
        return BranchOutput(output, self._prepared(recorded, x, frames), recorded)

    def _prepared(self, recorded: Mapping[str, Tensor], x: Any, frames: int) -> dict[str, Tensor]:
        """Recorded tensors: channels first, frames unfolded, and pooled where asked for."""
        image = next(iter(x.values())) if isinstance(x, dict) else x
        size = image.shape[-2:] if image.ndim > 3 else ()
        feats = {name: self.taps.arranged(name, feat, size) for name, feat in recorded.items()}
        if frames > 1:
            # What the neck has averaged has fewer rows, and stays.
            feats = {name: feat.unflatten(0, (-1, frames)) if len(feat) == len(x) else feat
                     for name, feat in feats.items()}
        return {name: self._pooled(name, feat) for name, feat in feats.items()}

    def _present(self, inputs: Mapping[str, Tensor], mode: str,
                 available: Sequence[str] | None) -> dict[str, Tensor]:
        wanted = self.modalities if mode == 'loss' or available is None else available
        missing = [m for m in wanted if m not in inputs]
        # A multi-modal student predicts with what there is.
        if missing and (mode == 'loss' or self.complete or len(missing) == len(wanted)):
            # A teacher is complete.
            unread = ('. A hook that runs teachers in validation says so by runs_teachers = True'
                      if self.complete else '')
            raise KeyError(f'modality {missing} is not in the data, which has {list(inputs)}: '
                           "check 'modality' of the branch and 'modalities' of the data set"
                           f'{unread}')
        return {m: inputs[m] for m in wanted if m in inputs}

    def prepare(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor | dict[str, Tensor], int]:
        """What the network takes: its modalities, normalised, with frames folded into the batch.

        Returns:
            the tensor, or a dict for a multi-modal network; and the number of frames, T, or 1.
        """
        normed = {m: self._norm(m, inputs[m]) for m in self.modalities if m in inputs}
        if not isinstance(self.modality, str):
            return normed, 1
        x = normed[self.modality]
        return (x.flatten(0, 1), x.size(1)) if x.ndim == 5 else (x, 1)

    def _norm(self, modality: str, x: Tensor) -> Tensor:
        if modality in self.norms:
            raw, x = x, self.norms[modality](x)
            if modality in self._unseen and not in_program():
                self._unseen.remove(modality)
                warn_of_far_values(modality, raw, x, getattr(self.model, 'value_range', None))
        elif x.dtype != torch.int64:  # tokens are indices
            x = x.float()
        return last_in_memory(x) if self.channels_last else x

    def _pooled(self, name: str, feat: Tensor) -> Tensor:
        if name not in self.pool or feat.ndim < 4:
            return feat
        return feat.mean((-1, -2)) if feat.ndim == 4 else feat.mean((1, -1, -2))


def last_in_memory(x: Tensor) -> Tensor:
    """Images, or weights of a convolution, with the channels last in memory; others as they are."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def threshold_of(branch: Branch) -> float | None:
    """Of the probability that one logit says; None where each class has a logit."""
    head: Any = getattr(branch.model, 'decode_head', None)
    return head.threshold if getattr(head, 'out_channels', 0) == 1 else None
