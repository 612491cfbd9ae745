"""The safe reader for every place that mmengine loads weights from.

Runners (``load_from``, ``resume``) and ``init_cfg`` ask mmengine's ``CheckpointLoader``, whose own
loaders run what a file names if it cannot be read otherwise.
"""

import hashlib
import os
import re
from typing import Any

import torch
from mmengine import fileio
from mmengine.dist import get_local_rank, get_rank, is_distributed
from mmengine.runner.checkpoint import (
    CheckpointLoader,
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)

from .reading import read_checkpoint

_DIGEST = re.compile(r'-(?!20\d{6}$)[0-9a-f]{8,64}$')  # and no date


def load_from_disk(filename: str, map_location: Any = None) -> dict:
    """A local file."""
    return read_checkpoint(os.path.expanduser(filename), map_location)


def load_from_web(filename: str, map_location: Any = None) -> dict:
    """A file of a web server, kept in torch.hub's folder; rank 0 downloads it first.

    A name that ends in a digest of the file is that of the file there, as torch and OpenMMLab have
    it; any other gets a digest of the address, where another file may have the same name.
    """
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    stem, suffix = os.path.splitext(os.path.basename(filename.split('?')[0]))
    if not _DIGEST.search(stem):
        stem = f'{stem}-{hashlib.sha256(filename.encode()).hexdigest()[:8]}'
    path = os.path.join(folder, stem + suffix)
    os.makedirs(folder, exist_ok=True)
    for first in (True, False):
        # Then the first process of any machine that shares no folder with rank 0.
        if not os.path.isfile(path) and (get_rank() == 0 if first else get_local_rank() == 0):
            torch.hub.download_url_to_file(filename, path)
        if is_distributed():
            torch.distributed.barrier()
    return read_checkpoint(path, map_location)


def load_from_storage(filename: str, map_location: Any = None) -> dict:
    """A file of an object store that mmengine knows."""
    return read_checkpoint(filename, map_location, fileio.get(filename))


def load_from_zoo(filename: str, map_location: Any = None) -> dict:
    """A model of torchvision or OpenMMLab by its name."""
    scheme, name = filename.split('://')
    name = get_deprecated_model_names().get(name, name)
    models = dict(torchvision=get_torchvision_models, modelzoo=get_torchvision_models,
                  mmcls=get_mmcls_models).get(scheme, get_external_models)()
    if name not in models:
        raise ValueError(f"'{filename}': there is no model '{name}'; name a file or a URL")
    place = models[name]
    if place.startswith(('http://', 'https://')):
        checkpoint = load_from_web(place, map_location)
    else:
        home = os.environ.get('MMENGINE_HOME', os.path.join(os.environ.get(
            'XDG_CACHE_HOME', '~/.cache'), 'mmengine'))
        checkpoint = load_from_disk(os.path.join(home, place), map_location)
    if scheme != 'mmcls':
        return checkpoint
    weights = checkpoint.get('state_dict', checkpoint)
    return dict(state_dict={key.removeprefix('backbone.'): value for key, value in weights.items()
                            if key.startswith('backbone.')})


def register_schemes() -> None:
    """Puts the safe reader in the place of mmengine's loaders, for every kind of name."""
    for prefixes, loader in (
            ('', load_from_disk),
            (('http://', 'https://'), load_from_web),
            (('torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://', 'mmcls://'),
             load_from_zoo),
            # As mmengine writes them: patterns.
            (('pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_storage)):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)
