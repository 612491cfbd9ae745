"""Encoders of transformers as backbones of mmpretrain's ImageClassifier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .bert import check_tokens, show_stages

POOLINGS = ('mean', 'first', 'pooler')


@MODELS.register_module()
class HFEncoder(BaseModule):
    """Any encoder of transformers: images, spectrograms, waves or tokens to a vector.

    Such as AST (Gong et al., arXiv 2104.01778), wav2vec 2.0 (Baevski et al., arXiv 2006.11477) or a
    ViT. ``stages.0`` to ``stages.3`` are places to tap: the tokens (N, L, hidden size) after a
    quarter, a half, three quarters and all of the layers.

    Weights of ``pretrained`` are loaded by ``init_weights``, so a branch that gets its weights
    from a checkpoint reads no more than the architecture there.

    Args:
        pretrained: a local directory with ``config.json`` and weights; None starts from random
            weights.
        config: the architecture if ``pretrained`` is None: ``model_type`` of transformers, and
            arguments of its configuration.
        pooling: 'mean' of the last tokens, the 'first' of them, or the model's own 'pooler'.
        spectrogram: the input is (N, 1, bins, frames), of which the model takes (N, frames, bins),
            as AST does.
        pad_token: index of padding in tokens, which is not attended to; None for other inputs.
        init_cfg: unused, as in a config that clears it for every backbone.

    Raises:
        FileNotFoundError: ``pretrained`` is no such directory.
        ValueError: neither ``pretrained`` nor ``config``, an unknown ``model_type`` or ``pooling``;
            a token beyond the vocabulary, or a network without tokens.
    """

    def __init__(self, pretrained: str | None = None, config: Mapping[str, Any] | None = None,
                 pooling: str = 'mean', spectrogram: bool = False, pad_token: int | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        # Slow to import, and needed for these encoders alone.
        from transformers import AutoModel

        if pooling not in POOLINGS:
            raise ValueError(f"HFEncoder: pooling='{pooling}': choose one of {POOLINGS}")
        self.pretrained = pretrained
        self.pooling = pooling
        self.spectrogram = spectrogram
        self.pad_token = pad_token
        # A folder may be in half precision, which training decides here.
        self.net = AutoModel.from_config(architecture(pretrained, config)).float()
        if pooling != 'pooler' and getattr(self.net, 'pooler', None) is not None:
            # It would have no gradient, which DDP refuses.
            self.net.pooler.requires_grad_(False)
        self.stages = nn.ModuleList(nn.Identity() for _ in range(4))

    @property
    def vocabulary(self) -> int:
        """Number of tokens that there are; 0 where it takes none."""
        return 0 if self.pad_token is None else int(self.net.config.vocab_size)

    def init_weights(self) -> None:
        """Loads the weights of ``pretrained``; random ones are there since construction."""
        from transformers import AutoModel

        if self.pretrained is not None and not self.is_init:
            kept = AutoModel.from_pretrained(self.pretrained, local_files_only=True)
            self.net.load_state_dict(kept.state_dict())
        self._is_init = True

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """The input of the model to vectors (N, hidden size)."""
        if self.spectrogram:
            x = x.squeeze(1).transpose(1, 2)
        given = {self.net.main_input_name: x}
        if self.pad_token is not None:
            check_tokens(x, self.vocabulary)
            given['attention_mask'] = (x != self.pad_token).long()
        output = self.net(**given, output_hidden_states=True)
        show_stages(self.stages, output.hidden_states)
        return (self._pooled(output, given.get('attention_mask')),)

    def _pooled(self, output: Any, mask: Tensor | None) -> Tensor:
        if self.pooling == 'pooler':
            return output.pooler_output
        tokens = output.last_hidden_state
        if tokens.ndim != 3:
            raise ValueError(f'HFEncoder: {type(self.net).__name__} gives {tuple(tokens.shape)}, '
                             "and no tokens: take a transformer, or pooling='pooler'")
        if self.pooling == 'first':
            return tokens[:, 0]
        weights = (torch.ones_like(tokens[..., :1]) if mask is None
                   else mask[..., None].to(tokens.dtype))
        return (weights * tokens).sum(1) / weights.sum(1)


def architecture(pretrained: str | None, config: Mapping[str, Any] | None) -> Any:
    """The configuration of transformers: that of a directory, or of arguments.

    Raises:
        FileNotFoundError, ValueError: see :class:`HFEncoder`.
    """
    from transformers import AutoConfig

    if pretrained is not None:
        if not Path(pretrained, 'config.json').is_file():
            raise FileNotFoundError(f"HFEncoder: pretrained='{pretrained}' is no directory with a "
                                    'config.json: name the folder of a model of transformers; '
                                    'nothing is downloaded')
        return AutoConfig.from_pretrained(pretrained, local_files_only=True)
    given = dict(config or {})
    if 'model_type' not in given:
        raise ValueError("HFEncoder needs 'pretrained', the folder of a model, or 'config' with "
                         "its 'model_type', such as 'audio-spectrogram-transformer'")
    try:
        return AutoConfig.for_model(**given)
    except ValueError as error:
        raise ValueError(f"HFEncoder: config.model_type='{given['model_type']}' is none that "
                         'transformers has') from error
