"""Text: from a string to tokens."""

import json
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np
from mmcv.transforms import BaseTransform
from tokenizers import BertWordPieceTokenizer

from mmfkd.datasets.lists import read_text
from mmfkd.datasets.synthetic.tweets import vocabulary as tweet_words
from mmfkd.registry import TRANSFORMS

from .forms import check_form

SETTINGS = 'tokenizer_config.json'  # beside a vocabulary


@TRANSFORMS.register_module()
class TokenizeText(BaseTransform):
    """WordPiece tokens of BERT: [CLS] text [SEP], cut and padded to one length.

    Required Keys:

    - modalities: ``{modality: str}``

    Modified Keys:

    - modalities: ``{modality: int64 (max_length,)}``, padded with [PAD]

    Args:
        tokenizer: a directory with ``vocab.txt``, that file itself, the name of a model on the
            hub, or 'synthetic' for the words of :class:`mmfkd.datasets.SyntheticTextImage`.
        modality: its name; without it in the sample nothing is done.
        max_length: tokens of a text, with [CLS] and [SEP]; longer texts are cut.
        lowercase: whether texts become small letters, as the vocabulary is; None takes
            ``do_lower_case`` of the ``tokenizer_config.json`` beside it, and True without one.

    Attributes:
        files_read: the vocabulary and the settings beside it, which decide the tokens; none of
            'synthetic'.

    Raises:
        FileNotFoundError: there is no vocabulary.
        ValueError: a vocabulary without BERT's special tokens, or with more words than the
            ``config.json`` beside it has embeddings; another ``lowercase`` than the file says; a
            text without a word; or the modality is no text.
    """

    def __init__(self, tokenizer: str, modality: str = 'text', max_length: int = 40,
                 lowercase: bool | None = None) -> None:
        self.modality = modality
        path = None if tokenizer == 'synthetic' else find_words(tokenizer)
        self.files_read = [] if path is None else [path, path.with_name(SETTINGS)]
        words = tweet_words() if path is None else read_words(path)
        self.tokenizer = BertWordPieceTokenizer({word: i for i, word in enumerate(words)},
                                                lowercase=small_letters(path, lowercase))
        self.tokenizer.enable_truncation(max_length)
        self.tokenizer.enable_padding(length=max_length,
                                      pad_id=self.tokenizer.token_to_id('[PAD]'))

    def transform(self, results: dict) -> dict:
        """See the class."""
        text = results['modalities'].get(self.modality)
        if text is not None:
            check_form(text, 'text', self.modality, 'TokenizeText')
            if not text.strip():
                raise ValueError(f"the text of {results.get('img_path')} is empty: take the "
                                 "sample out of the list, or drop such samples with "
                                 "missing='skip' of the data set")
            results['modalities'][self.modality] = np.array(
                self.tokenizer.encode(text).ids, dtype=np.int64)
        return results


def find_words(tokenizer: str) -> Path:
    """The ``vocab.txt`` of a directory, a file, or a model on the hub."""
    path = Path(tokenizer)
    if path.is_file():
        return path
    if not path.is_dir():
        from transformers.utils import cached_file

        try:
            words = Path(cast(str, cached_file(tokenizer, 'vocab.txt')))
        except (OSError, ValueError) as error:
            raise FileNotFoundError(
                f"tokenizer='{tokenizer}' is no directory, no file and not to be had from the "
                'hub. Download BERT with\n  hf download google-bert/bert-base-uncased '
                '--local-dir data/crisismmd/bert\nor name a vocab.txt.') from error
        with suppress(OSError, ValueError):  # not every model has one
            cached_file(tokenizer, SETTINGS)
        return words
    if not (path / 'vocab.txt').is_file():
        raise FileNotFoundError(f'{path / "vocab.txt"} does not exist: copy the vocabulary of '
                                'the model there, or name another file')
    return path / 'vocab.txt'


def read_words(path: Path) -> list[str]:
    """Words of a vocabulary, which must be BERT's, and of the model beside it if there is one."""
    words = [line.rstrip('\r') for line in read_text(path).removesuffix('\n').split('\n')]
    lacking = [token for token in ('[PAD]', '[UNK]', '[CLS]', '[SEP]') if token not in words]
    if lacking:
        raise ValueError(f'{path} has no {", ".join(lacking)}: it is no vocabulary of BERT')
    config = path.with_name('config.json')
    size = json.loads(config.read_text()).get('vocab_size') if config.is_file() else None
    if size is not None and len(words) > size:
        raise ValueError(f'{path} has {len(words)} words, but {config} has vocab_size={size}: the '
                         'vocabulary is of another model; copy both from one')
    return words


def small_letters(words: Path | None, stated: bool | None) -> bool:
    """Whether texts become small letters.

    Args:
        words: the vocabulary; None has no file.
        stated: what was asked for; None asks for nothing.

    Raises:
        ValueError: the file beside the vocabulary says something else.
    """
    settings = None if words is None else words.with_name(SETTINGS)
    found = (json.loads(read_text(settings)).get('do_lower_case')
             if settings is not None and settings.is_file() else None)
    if stated is not None and found is not None and stated != found:
        raise ValueError(f'lowercase={stated}, but {settings} has do_lower_case={found}: leave '
                         'lowercase out, or correct the file')
    return next((bool(value) for value in (stated, found) if value is not None), True)
