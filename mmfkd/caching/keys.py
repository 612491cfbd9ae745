"""Digests of a teacher and its data, by which the folders of its outputs are named."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mmcv
import mmpretrain
import mmseg
import torch
from torch import nn

from mmfkd.checkpoints import weights_digest
from mmfkd.config.options import kind_of
from mmfkd.version import __version__

# Of what computes: code that was edited without another version is not seen.
VERSIONS = (__version__, mmcv.__version__, mmseg.__version__, mmpretrain.__version__,
            torch.__version__)


def output_key(network: nn.Module, settings: Mapping[str, Any], samples: Iterator[dict]) -> str:
    """A digest of all that decides what a teacher computes of the views of a data set.

    Args:
        network: the teacher, with its weights.
        settings: what else decides: its normalisation and taps, the pipeline, the padding, the
            seed of the views, the precision. Of a file that they name, and of all in a folder,
            size and the time of the last change count too.
        samples: of the data set, before their pipeline. Of a file that they name its size and the
            time of its last change count.
    """
    digest = hashlib.sha256(repr(VERSIONS).encode())
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in _paths_in(settings):
        digest.update(_state_of(path))
    digest.update(weights_digest(network).encode())
    for sample in samples:
        digest.update(json.dumps(sample, sort_keys=True, default=str).encode())
        for path in _files_of(sample):
            digest.update(_state_of(path))
    return digest.hexdigest()[:16]


def _files_of(sample: Mapping) -> Iterator[Path]:
    """Files and folders that a sample names."""
    for spec in sample.get('modalities', {}).values():
        if isinstance(spec, Mapping) and (spec.get('path') or spec.get('folder')):
            yield Path(spec.get('path') or spec['folder'])
    # By the label crops are chosen.
    for key in ('img_path', 'seg_map_path'):
        if sample.get(key):
            yield Path(sample[key])


def _paths_in(settings: Any) -> Iterator[Path]:
    """Files and folders that settings name, such as a vocabulary.

    But for the data's root, for splits and modalities, which may be called as folders are, and for
    the folder that :class:`mmfkd.datasets.transforms.Cached` fills.
    """
    if isinstance(settings, Mapping):
        cached = ('folder',) if kind_of(settings) == 'Cached' else ()
        left = ('data_root', 'data_prefix', 'split', 'modality', *cached)
        for key, value in settings.items():
            if key not in left:
                yield from _paths_in(value)
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from _paths_in(value)
    # Not Path.exists, which fails for a text that is longer than any name.
    elif isinstance(settings, (str, os.PathLike)) and os.path.exists(settings):
        yield Path(settings)


def _state_of(path: Path) -> bytes:
    """Names, sizes and times of a file, or of those in a folder, such as frames or a tokenizer."""
    parts = sorted(_files_below(path)) if path.is_dir() else [path]
    states = [(str(part.relative_to(path)), part.stat().st_size, part.stat().st_mtime_ns)
              for part in parts if part.exists()]
    return repr(states).encode()


def _files_below(folder: Path) -> Iterator[Path]:
    around = Path.cwd().is_relative_to(folder.resolve())
    for root, folders, names in os.walk(folder):
        yield from (Path(root, name) for name in names)
        if around:
            folders.clear()  # not the work dirs, in which each run writes
