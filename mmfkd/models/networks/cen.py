"""C.E.N.: the channel exchanging network that CSK-Net is compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfkd.registry import MODELS

from .encoders import SharedEncoder, check_widths
from .modality_norm import to_modality_norm
from .multi_output import MultiOutputSegmentor

ENSEMBLE = 'ensemble'


@MODELS.register_module()
class CEN(MultiOutputSegmentor):
    """Shares all convolutions, exchanges channels where an L1 term makes γ small, and averages.

    Paper: Wang et al., "Channel Exchanging Networks for Multimodal and Multitask Dense Image
    Prediction" (TPAMI 2022), and its code. The outputs are one a modality and their ensemble,
    ``Σ softmax(α)_m · logits_m`` over detached logits; labels supervise all of them. The L1 term
    is on half of the γ of each exchanging batch norm, the first half of the channels for the
    first modality, the second for the second.

    Departures from the authors' code are in ``docs/methods.md``, section ``cen``.

    Args:
        backbone: config of a backbone with batch norms.
        decode_head: config of a decode head of mmseg; its convolutions are shared too, and its
            batch norms, if it has any, are of one modality each.
        modalities: names.
        exchange: ``dict(channel=dict(norms, threshold))``; see :class:`SharedEncoder`. The
            authors exchange after the second batch norm of every block.
        sparsity: weight of the L1 term.
        train_cfg: unused; taken as mmseg's segmentors do.
        test_cfg: ``dict(mode='whole')``.
        data_preprocessor: see mmseg.
        init_cfg: see mmseg.

    Raises:
        ValueError: see :class:`SharedEncoder`.
    """

    def __init__(self, backbone: dict, decode_head: dict, modalities: Sequence[str],
                 exchange: dict | None = None, sparsity: float = 6e-4,
                 train_cfg: dict | None = None, test_cfg: dict | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        outputs = (*modalities, ENSEMBLE)
        super().__init__(modalities, outputs, outputs, test_cfg, data_preprocessor, init_cfg)
        self.backbone = SharedEncoder(backbone, modalities, exchange)
        self.decode_head = MODELS.build(decode_head)
        if any(isinstance(module, _BatchNorm) for module in self.decode_head.modules()):
            to_modality_norm(self.decode_head, self.backbone.streams)
        self.alpha = nn.Parameter(torch.zeros(len(modalities)))
        self.modalities = tuple(modalities)
        self.sparsity = sparsity
        self.align_corners = self.decode_head.align_corners
        self.num_classes = self.decode_head.num_classes

    def extract_feat(self, inputs: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, ...]]:
        """Maps of all stages for each modality that is there."""
        return self.backbone(inputs)

    def encode_decode(self, inputs: Mapping[str, Tensor], data_samples: list | None = None
                      ) -> dict[str, Tensor]:
        """Logits of every output that the inputs allow."""
        streams = self.backbone.streams
        inputs = {name: inputs[name] for name in self.modalities if name in inputs}
        check_widths(inputs)
        with streams.only(*inputs):
            parts = streams.split(self.decode_head(self.backbone.stacked(inputs)))
        logits = dict(zip(inputs, parts, strict=True))
        if len(parts) == len(self.modalities):
            weights = self.alpha.softmax(0)
            logits[ENSEMBLE] = sum(weight * part.detach()
                                   for weight, part in zip(weights, parts, strict=True))
        return logits

    def head(self, output: str) -> BaseDecodeHead:
        """The one head of all outputs."""
        return self.decode_head

    def best(self, logits: Mapping[str, Tensor]) -> str:
        """The ensemble, or the last of the modalities that are there."""
        return ENSEMBLE if ENSEMBLE in logits else list(logits)[-1]

    def further_losses(self) -> dict[str, Tensor]:
        """The L1 term, and the ratio of channels that is exchanged."""
        found = {f'{name}.exchanged': ratio for name, ratio in self.backbone.exchanged().items()}
        if self.backbone.exchanging():
            found['loss_sparsity'] = self.sparsity * self.sparse_norm()
        return found

    def sparse_norm(self) -> Tensor:
        """Sum of ``|γ|`` over the part of the channels that is of each modality."""
        total: Any = 0
        for norm in self.backbone.exchanging():
            for i, name in enumerate(self.modalities):
                weight: Any = norm.each[name].weight
                total = total + weight.chunk(len(self.modalities))[i].abs().sum()
        return total
