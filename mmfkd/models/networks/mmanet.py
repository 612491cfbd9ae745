"""MMANet: one segmentor that works with any of its modalities."""

from collections.abc import Mapping, Sequence
from typing import cast

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmfkd.registry import MODELS

from .masked_encoder import MaskedEncoder
from .modality_mask import ModalityMask
from .multi_output import MultiOutputSegmentor

FUSED = 'fused'


@MODELS.register_module()
class MMANet(MultiOutputSegmentor):
    """Fuses modalities stage by stage, and in training drops some of each sample's at random.

    Paper: Wei et al., "MMANet: Margin-aware Distillation and Modality-aware Regularization for
    Incomplete Multimodal Learning" (CVPR 2023), and its code, on ESANet. The teacher is the same
    network with ``mask=False``, trained first on complete inputs; what the student learns from it
    is :class:`mmfkd.models.MADLoss`, what its auxiliary head learns is
    :class:`mmfkd.models.ModalityRegularizationLoss`. Random masks alone, without either loss and
    without the auxiliary head, are a baseline.

    Any number of modalities is served. In a test any but one may be missing; the auxiliary head
    is not run then. Slide inference is not offered.

    Args:
        backbones: modality to the config of a ResNet; see
            :class:`mmfkd.models.networks.masked_encoder.MaskedEncoder`.
        neck: config of a neck, such as ``ESANetNeck``.
        decode_head: config of a decode head, such as ``ESANetHead``.
        mask: whether modalities are dropped in training; or the combinations to draw from, each
            a list of names.
        auxiliary: whether there is a second decode head on the same maps.
        train_cfg: unused; taken as mmseg's segmentors do.
        test_cfg: ``dict(mode='whole')``.
        data_preprocessor: see mmseg.
        init_cfg: see mmseg.

    Raises:
        ValueError: fewer than two modalities, or see the parts.
    """

    def __init__(self, backbones: Mapping[str, dict], neck: dict, decode_head: dict,
                 mask: bool | Sequence[Sequence[str]] = True, auxiliary: bool = False,
                 train_cfg: dict | None = None, test_cfg: dict | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        modalities = tuple(backbones)
        super().__init__(modalities, (FUSED,), (FUSED,), test_cfg, data_preprocessor, init_cfg)
        if len(modalities) < 2:
            raise ValueError(f'MMANet fuses two modalities or more, not {list(modalities)}')
        everything = [modalities] if mask is False else None
        self.mask = ModalityMask(modalities, everything if isinstance(mask, bool) else mask)
        self.backbone = MaskedEncoder(backbones)
        self.neck = MODELS.build(neck)
        self.decode_head = MODELS.build(decode_head)
        self.auxiliary_head = MODELS.build(decode_head) if auxiliary else None
        self.align_corners = self.decode_head.align_corners
        self.num_classes = self.decode_head.num_classes

    def extract_feat(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Maps of the decoder, at 1/4 to 1/32, of the modalities that are there.

        Raises:
            ValueError: none is, or a size that is no multiple of 32.
        """
        present = [x for name, x in inputs.items() if name in self.mask.modalities]
        if not present:
            raise ValueError(f'MMANet takes {", ".join(self.mask.modalities)}, and none of them is '
                             f'in the inputs, which are {list(inputs)}: give it one or more')
        return self.neck(self.backbone(inputs, self.mask(present[0])))

    def encode_decode(self, inputs: Mapping[str, Tensor], data_samples: list | None = None
                      ) -> dict[str, Tensor]:
        """Logits of the one output; in training at all scales."""
        return {FUSED: self.decode_head(self.extract_feat(inputs))}

    def loss(self, inputs: Mapping[str, Tensor] | Tensor, data_samples: list
             ) -> dict[str, Tensor]:
        """Losses of the decode head, and a zero that depends on the auxiliary one.

        Its parameters then have a gradient whatever losses there are, which DDP needs.

        Raises:
            KeyError: a modality is missing.
            ValueError: a size that is no multiple of 32.
        """
        self.check_complete(inputs)
        maps = self.extract_feat(cast(Mapping, inputs))
        own = self.decode_head.loss_by_feat(self.decode_head(maps), data_samples)
        losses = {f'{FUSED}.{name}': value for name, value in own.items()}
        if self.auxiliary_head is not None:
            losses['auxiliary.loss_unsupervised'] = 0 * sum(
                logits.sum() for logits in self.auxiliary_head(maps))
        return losses

    def head(self, output: str) -> BaseDecodeHead:
        """The one head that predicts."""
        return self.decode_head

    def best(self, logits: Mapping[str, Tensor]) -> str:
        """The one output."""
        return FUSED
