"""DisOptNet: the network for a missing optical image that CSK-Net is compared with."""

from collections.abc import Mapping, Sequence

from mmengine.model import ModuleDict
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmfkd.models.taps import Taps
from mmfkd.registry import MODELS

from .encoders import ForkedEncoder
from .multi_output import MultiOutputSegmentor, decode, fusion_config

OWN, PSEUDO, FUSED = 'own', 'pseudo', 'fused'


@MODELS.register_module()
class DisOptNet(MultiOutputSegmentor):
    """A network of infrared alone, with a branch that learns to imitate an optical network.

    Paper: Kang et al., "DisOptNet: Distilling Semantic Knowledge From Optical Images for
    Weather-Independent Building Segmentation" (TGRS 2022), and its code. The first stages are
    shared; two tails of the last stages and a decoder follow, the own and the pseudo-optical one,
    and :class:`mmfkd.models.heads.SCSEFusionHead` fuses them. Labels supervise the own and the
    fused output. The pseudo-optical output learns from a frozen optical teacher, by losses of
    :class:`mmfkd.models.CrossModalDistiller`. What is deployed is the fused output, as in the
    authors' validation: it costs more than the baseline.

    Departures from the authors' code are in ``docs/methods.md``, section ``disoptnet``.

    Args:
        backbone: config of a backbone.
        decode_head: config of a decode head of mmseg, built once for each branch.
        fusion_head: config of the head that fuses both decoder outputs, ``(own, pseudo)``; its
            widths, classes and losses are the decode head's unless it says others.
        specific: places in the backbone of the last stages, which every branch has for itself.
        decoder_output: place in the decode head whose output is fused.
        supervised: outputs that labels supervise, of 'own', 'pseudo' and 'fused'.
        train_cfg: unused; taken as mmseg's segmentors do.
        test_cfg: ``dict(mode='whole')``.
        data_preprocessor: see mmseg.
        init_cfg: see mmseg.

    Raises:
        ValueError: an unknown place or output.
    """

    def __init__(self, backbone: dict, decode_head: dict, fusion_head: dict,
                 specific: Sequence[str], decoder_output: str = 'sep_bottleneck',
                 supervised: Sequence[str] = (OWN, FUSED), train_cfg: dict | None = None,
                 test_cfg: dict | None = None, data_preprocessor: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__((), supervised, (OWN, PSEUDO, FUSED), test_cfg, data_preprocessor,
                         init_cfg)
        self.backbone = ForkedEncoder(backbone, (OWN, PSEUDO), specific)
        self.decode_heads = ModuleDict({name: MODELS.build(decode_head)
                                        for name in (OWN, PSEUDO)})
        self.fusion_head = MODELS.build(fusion_config(fusion_head, decode_head))
        self.taps = {name: Taps(head, dict(decoded=decoder_output))
                     for name, head in self.decode_heads.items()}
        self.align_corners = self.fusion_head.align_corners
        self.num_classes = self.fusion_head.num_classes

    def extract_feat(self, inputs: Tensor) -> dict[str, tuple[Tensor, ...]]:
        """Maps of all stages for either branch."""
        return self.backbone(inputs)

    def encode_decode(self, inputs: Tensor, data_samples: list | None = None
                      ) -> dict[str, Tensor]:
        """Logits of the three outputs."""
        logits, decoded = {}, {}
        for name, maps in self.extract_feat(inputs).items():
            logits[name], decoded[name] = decode(self.decode_heads[name], self.taps[name], maps)
        logits[FUSED] = self.fusion_head([decoded[OWN], decoded[PSEUDO]])
        return logits

    def head(self, output: str) -> BaseDecodeHead:
        """The head of an output: 'own', 'pseudo' or 'fused'."""
        return self.fusion_head if output == FUSED else self.decode_heads[output]

    def best(self, logits: Mapping[str, Tensor]) -> str:
        """The fused output."""
        return FUSED
