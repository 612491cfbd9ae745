"""CSK-Net: one segmentor for optical and infrared images, or for either alone."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.model import ModuleDict
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from mmfkd.models.taps import Taps
from mmfkd.registry import MODELS

from .encoders import SharedEncoder
from .multi_output import MultiOutputSegmentor, decode, fusion_config

OPTICAL, INFRARED, FUSED = 'optical', 'infrared', 'fused'


@MODELS.register_module()
class CSKNet(MultiOutputSegmentor):
    """Shared convolutions, separate batch norms, feature exchange, gated fusion, three outputs.

    Paper: Sikdar et al., "Contrastive Learning-Based Spectral Knowledge Distillation for
    Multi-Modality and Missing Modality Scenarios in Semantic Segmentation", section 2.5, without
    public code. :class:`SharedEncoder` encodes, one decoder a modality decodes,
    :class:`mmfkd.models.heads.GatedSpectralHead` fuses. Labels supervise the fused and the
    infrared output (eq. 11); the optical output learns from a frozen optical teacher, by losses
    of :class:`mmfkd.models.CrossModalDistiller`, not here.

    In a test any of the modalities may be missing. With one there is neither exchange nor fusion
    ("feature reuse"): that branch is the plain baseline, and what ``mmfkd export --modality``
    writes.

    Every batch norm and the decoder are of one modality, all convolutions of the encoder are
    shared; ``docs/csknet.md`` has the readings of the paper. Slide inference is not offered.

    Args:
        backbone: config of a backbone with batch norms; its maps go to the decoders.
        decode_head: config of a decode head of mmseg, built once for each modality.
        fusion_head: config of the head that fuses both decoder outputs, ``(optical, infrared)``;
            its widths, classes and losses are the decode head's unless it says others.
        modalities: names of the optical and of the infrared modality in the inputs; inside they
            are 'optical' and 'infrared', whatever the sensors are.
        decoder_output: place in the decode head whose output is F_O, F_I.
        exchange: see :class:`SharedEncoder`, to which the modalities are 'optical' and
            'infrared'; None for none.
        supervised: outputs that labels supervise, of 'optical', 'infrared' and 'fused'.
        drop: share of the training batches in which the fused output has to do with one of the
            two, drawn at random: it gets zeros in the place of the other. The paper has no such.
        train_cfg: unused; taken as mmseg's segmentors do.
        test_cfg: ``dict(mode='whole')``.
        data_preprocessor: see mmseg.
        init_cfg: see mmseg.

    Raises:
        ValueError: not two modalities, an unknown output, another test mode, or ``drop`` outside
            [0, 1].
    """

    def __init__(self, backbone: dict, decode_head: dict, fusion_head: dict,
                 modalities: Sequence[str], decoder_output: str = 'sep_bottleneck',
                 exchange: dict | None = None, supervised: Sequence[str] = (FUSED, INFRARED),
                 drop: float = 0.0, train_cfg: dict | None = None, test_cfg: dict | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(modalities, supervised, (OPTICAL, INFRARED, FUSED), test_cfg,
                         data_preprocessor, init_cfg)
        if len(modalities) != 2:
            raise ValueError(f'CSKNet fuses two modalities, optical first, not {list(modalities)}')
        if not 0 <= drop <= 1:
            raise ValueError(f'CSKNet: drop={drop} must be from 0 to 1')
        self.drop = drop
        self.modalities = dict(zip((OPTICAL, INFRARED), modalities, strict=True))
        self.backbone = SharedEncoder(backbone, list(self.modalities), exchange)
        self.decode_heads = ModuleDict({name: MODELS.build(decode_head)
                                        for name in self.modalities})
        self.fusion_head = MODELS.build(fusion_config(fusion_head, decode_head))
        self.taps = {name: Taps(head, dict(decoded=decoder_output))
                     for name, head in self.decode_heads.items()}
        self.align_corners = self.fusion_head.align_corners
        self.num_classes = self.fusion_head.num_classes

    def head(self, output: str) -> BaseDecodeHead:
        """The head of an output: 'optical', 'infrared' or 'fused'."""
        return self.fusion_head if output == FUSED else self.decode_heads[output]

    def extract_feat(self, inputs: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, ...]]:
        """Maps of all stages, 'optical' and 'infrared', for each modality that is there."""
        return self.backbone({role: inputs[name] for role, name in self.modalities.items()
                              if name in inputs})

    def encode_decode(self, inputs: Mapping[str, Tensor], data_samples: list | None = None
                      ) -> dict[str, Tensor]:
        """Logits (N, C, H / 4, W / 4) of every output that the inputs allow."""
        encoded = self.extract_feat(inputs)
        if len(encoded) == 1:
            return {name: self.decode_heads[name](maps) for name, maps in encoded.items()}
        logits, decoded = {}, {}
        for name, maps in encoded.items():
            logits[name], decoded[name] = decode(self.decode_heads[name], self.taps[name], maps)
        logits[FUSED] = self.fusion_head(self._dropped([decoded[name]
                                                        for name in self.modalities]))
        return logits

    def _dropped(self, maps: list[Tensor]) -> list[Tensor]:
        """The maps of both decoders; in a share of the training batches one of them is zero."""
        if not (self.training and self.drop) or torch.rand(()) >= self.drop:
            return maps
        gone = int(torch.randint(len(maps), ()))
        return [x * (i != gone) for i, x in enumerate(maps)]

    def best(self, logits: Mapping[str, Tensor]) -> str:
        """The fused output, or that of the modality that is there."""
        return FUSED if FUSED in logits else next(iter(logits))

    def further_losses(self) -> dict[str, Tensor]:
        """The ratio of channels that is exchanged; no loss."""
        return {f'{name}.exchanged': ratio for name, ratio in self.backbone.exchanged().items()}
