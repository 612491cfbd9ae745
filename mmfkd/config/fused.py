"""Fused images of two modalities: where they lie, and the segmentor that is trained on them.

``fused/DATASET_A-B`` is the baseline of A, on the images that ``mmfkd fuse`` makes of both by a
network ``cddfuse/DATASET_A-B``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from mmengine.config import Config

from .branch_files import resolve_branches
from .files import find_config, shown, spelled
from .method_files import FUSED
from .offers import classifies
from .options import kind_of
from .pairs import Modalities, pair_file, read, read_baselines

PLACEHOLDER = re.compile(r'\{\w+\}|\*')
# Of images that are stretched from 0 to 255, whatever the scene.
MEAN, STD = 128.0, 64.0


def fused_folder(folder: str, modalities: Sequence[str]) -> str:
    """The folder of fused images, from that of the images they are named after.

    The last part without a placeholder, such as ``{split}`` or ``*``, becomes ``fused_A-B``, of
    modalities A and B: ``{split}/vi`` is ``{split}/fused_rgb-ir``, and ``visible/{split}`` is
    ``fused_rgb-ir/{split}``. Where all parts have one, it comes before them. So no two images
    share a fused one.

    Args:
        folder: of the first modality, as ``modalities`` of a data set has it.
        modalities: names of those that are fused.
    """
    name = f'{FUSED}_{"-".join(modalities)}'
    parts = list(PurePosixPath(folder).parts)
    fixed = [place for place, part in enumerate(parts) if not PLACEHOLDER.search(part)]
    if fixed:
        parts[fixed[-1]] = name
    else:
        parts.insert(0, name)
    return str(PurePosixPath(*parts))


def modality_folder(dataset: Mapping, modality: str, place: str) -> str:
    """The folder of a modality's images, as a data set of a config has it, or else its class.

    Args:
        dataset: of a data loader.
        modality: whose.
        place: of the data set, for messages.

    Raises:
        ValueError: it has none, or holds other data sets.
    """
    from mmfkd.registry import DATASETS

    kind = kind_of(dataset)
    if {'dataset', 'datasets'} & set(dataset):
        raise ValueError(f'{place} is a {kind}, which holds other data sets: mmfkd fuse takes one '
                         'RGBXDataset, so give it that one')
    given = dataset.get('modalities')
    known = given if isinstance(given, Mapping) else getattr(
        DATASETS.get(dataset['type']), 'MODALITIES', None)
    spec = known.get(modality) if isinstance(known, Mapping) else None
    if not spec or 'folder' not in spec:
        raise ValueError(f"{place} is a {kind} without a folder of the modality '{modality}': "
                         'images are fused as files of an RGBXDataset, in folders that its '
                         'modalities name')
    return spec['folder']


def compose_fused(modalities: Modalities) -> Config:
    """The config of a segmentor of fused images; no file has to exist for it.

    Network, schedule and data are those of the first modality's baseline, which is also the
    baseline that it is compared with.

    Args:
        modalities: the two that are fused, the optical one first.

    Raises:
        FileNotFoundError: the config of a modality does not exist.
        ValueError: they are not two, or of one way; the baseline classifies, or its network takes
            other than one or three channels; or a data set of it has no folder of the modality.
    """
    name = f'{FUSED}/{modalities}'
    if modalities.one_way or len(modalities.names) != 2:
        raise ValueError(f'{name}: two modalities are fused, and both are needed: write '
                         f'{FUSED}/DATASET_A-B, such as {FUSED}/msrs_rgb-ir')
    optical = _optical(modalities)
    base = spelled(Path(optical.filename))
    cfg = Config(optical.to_dict(), cfg_text=f'# {modalities}, fused\n', filename=f'{name}.py')
    student = next(iter(cfg.model.students.values()))
    if 'model' in student and classifies(cfg):
        raise ValueError(f'{name}: images are fused for a segmentor, and '
                         f'{shown(base)} classifies')
    channels = student.get('model', {}).get('backbone', {}).get('in_channels', 3)
    if channels not in (1, 3):
        raise ValueError(f'{name}: fused images are grey, in one channel or three equal ones, and '
                         f'the network of {shown(base)} takes '
                         f'in_channels={channels}: give the baseline another network')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader):
            folder = modality_folder(cfg[loader].dataset, student.modality,
                                     f'{name}: {loader}.dataset')
            cfg[loader].dataset.modalities = {
                FUSED: dict(folder=fused_folder(folder, modalities.names), suffix='.png',
                            channels=channels)}
    student.modality = FUSED
    student.norm = dict(mean=[MEAN] * channels, std=[STD] * channels)
    cfg.baseline = base
    resolve_branches(cfg, optical.filename)
    return cfg


def _optical(modalities: Modalities) -> Config:
    """The config of the first modality's baseline: the teacher of the pair's file, if it has one.

    Raises:
        FileNotFoundError, ValueError: see :func:`compose_fused`.
    """
    pair = pair_file(modalities)
    if pair is None:
        return read_baselines(modalities.baselines)[0]
    teacher = (read(pair).model.get('teachers') or {}).get('teacher') or {}
    return read(find_config(teacher.get('config', modalities.baselines[0]), pair))
