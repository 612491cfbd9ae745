"""Segmentors with several outputs, and the heads that fuse what two decoders compute."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor

from mmfkd.models.taps import Taps


class MultiOutputSegmentor(BaseSegmentor):
    """Base of segmentors with several outputs, some of which labels supervise.

    A subclass writes ``encode_decode``, which returns the logits of each output by name,
    :meth:`head` and :meth:`best`.

    Args:
        modalities: names of the modalities that training needs; empty for a single one.
        supervised: outputs that labels supervise.
        known: all outputs.
        test_cfg: ``dict(mode='whole')``.
        data_preprocessor: see mmseg.
        init_cfg: see mmseg.

    Raises:
        ValueError: an unknown output, or another test mode than 'whole'.
    """

    def __init__(self, modalities: Sequence[str], supervised: Sequence[str], known: Sequence[str],
                 test_cfg: dict | None, data_preprocessor: dict | None, init_cfg: dict | None
                 ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if (test_cfg or {}).get('mode', 'whole') != 'whole':
            raise ValueError(f"{type(self).__name__}: test_cfg.mode must be 'whole'; pad or resize "
                             'large images in the pipeline')
        unknown = [name for name in supervised if name not in known]
        if unknown:
            raise ValueError(f'supervised={list(supervised)}: there is no output {unknown}; choose '
                             f'of {list(known)}')
        self.required = tuple(modalities)
        self.supervised = tuple(supervised)

    @abstractmethod
    def head(self, output: str) -> BaseDecodeHead:
        """The decode head of an output."""

    @abstractmethod
    def best(self, logits: Mapping[str, Tensor]) -> str:
        """The output that is predicted with, of those that there are."""

    def loss(self, inputs: Mapping[str, Tensor] | Tensor, data_samples: list
             ) -> dict[str, Tensor]:
        """Losses of the supervised outputs, and what :meth:`further_losses` adds.

        An output that labels do not supervise gives a zero that depends on its logits, so that its
        parameters have a gradient whatever distillation losses there are; DDP needs that.

        Raises:
            KeyError: a modality is missing.
        """
        self.check_complete(inputs)
        losses = {}
        for name, logits in self.encode_decode(inputs).items():
            if name in self.supervised:
                own = self.head(name).loss_by_feat(logits, data_samples)
                losses.update({f'{name}.{key}': value for key, value in own.items()})
            else:
                losses[f'{name}.loss_unsupervised'] = 0 * logits.sum()
        return {**losses, **self.further_losses()}

    def check_complete(self, inputs: Mapping[str, Tensor] | Tensor) -> None:
        """Refuses a training batch in which a modality is missing.

        Raises:
            KeyError: one is.
        """
        missing = [name for name in self.required if name not in inputs]
        if missing:
            raise KeyError(f'{type(self).__name__} is trained on all of {list(self.required)}; '
                           f"{missing} is missing: add it to 'modalities' of the data set. A "
                           'modality may be missing in tests alone')

    def further_losses(self) -> dict[str, Tensor]:
        """Terms and statistics beside the losses of the outputs."""
        return {}

    def predict(self, inputs: Mapping[str, Tensor] | Tensor, data_samples: list | None = None
                ) -> list:
        """Data samples with the prediction of the best output."""
        outputs = self.encode_decode(inputs)
        name = self.best(outputs)
        logits = outputs[name]
        if data_samples is not None:
            metas = [sample.metainfo for sample in data_samples]
            logits = self.head(name).predict_by_feat(logits, metas)
        return self.postprocess_result(logits, data_samples)

    def _forward(self, inputs: Mapping[str, Tensor] | Tensor, data_samples: list | None = None
                 ) -> Tensor:
        """Logits of the best output."""
        outputs = self.encode_decode(inputs)
        return outputs[self.best(outputs)]


def decode(head: BaseDecodeHead, taps: Taps, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Logits of a decode head, and what the one tap in it recorded."""
    with taps.recording() as tapped:
        logits = head(maps)
    return logits, tapped[taps.names[0]]


def fusion_config(fusion_head: dict, decode_head: dict) -> dict:
    """Config of a fusion head, whose widths, classes and losses are the decode head's by default.

    Raises:
        ValueError: the decode head does not say its ``channels``.
    """
    if 'channels' not in decode_head:
        raise ValueError('decode_head.channels is missing: the fusion head takes its width from it')
    shared = {key: decode_head[key] for key in
              ('num_classes', 'loss_decode', 'ignore_index', 'align_corners') if key in decode_head}
    width = decode_head['channels']
    return {**shared, 'in_channels': width, 'channels': width, **fusion_head}
