"""Checks of registered images: faults, lists, counts."""

import argparse
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mmfkd.datasets.lists import read_names
from mmfkd.datasets.rgbx import RGBXDataset
from mmfkd.datasets.transforms import LoadCheckedAnnotations, LoadModalities
from mmfkd.whole_files import written_whole

from .processes import run_parallel
from .splits import PrepareError, count_samples, finish


def open_split(kind: type[RGBXDataset], root: Path, split: str,
               subset: str | None = None) -> RGBXDataset:
    """A split of the data set in a folder.

    Args:
        kind: of the data set.
        root: its folder.
        split: its name.
        subset: see :class:`RGBXDataset`.

    Raises:
        PrepareError: files that do not pair up, or none.
        FileNotFoundError: a folder or list is missing.
    """
    try:
        return kind(str(root), split=split, subset=subset)
    except ValueError as error:
        raise PrepareError(str(error)) from error


def stems_of(dataset: RGBXDataset) -> list[str]:
    """Stems of the samples, in order."""
    return [info['stem'] for info in _infos(dataset)]


def image_fault(info: dict) -> str | None:
    """Why training would stop at a sample, as training says it; None if it would not.

    Args:
        info: what the data set knows of the sample.
    """
    try:
        # A copy, as the steps write what they load into it.
        LoadCheckedAnnotations()(LoadModalities()(deepcopy(info)))
    except (OSError, ValueError) as error:
        return str(error)
    return None


def write_subsets(dataset: RGBXDataset) -> None:
    """Writes the stems of the subsets of a split as ``fit.txt`` and ``val.txt`` in its root.

    Raises:
        PrepareError: the split is too small to be divided.
    """
    for subset in ('fit', 'val'):
        stems = stems_of(open_split(type(dataset), dataset.data_root, dataset.split, subset))
        path = Path(dataset.data_root, f'{subset}.txt')
        with written_whole(path) as temporary:
            temporary.write_text(''.join(f'{stem}\n' for stem in stems))
        print(f"{path}: the {len(stems)} stems of split='{dataset.split}', subset='{subset}'")


def compare_list(path: Path, dataset: RGBXDataset) -> None:
    """Compares an official list of stems, if it is there, with the files of a split.

    Raises:
        PrepareError: they differ.
    """
    if not path.is_file():
        return
    listed, found = set(read_names(path, 'stem')), set(stems_of(dataset))
    if listed != found:
        raise PrepareError(
            f"{path} and the files of the split '{dataset.split}' differ: "
            f'{_shown(listed - found)} only in the list, {_shown(found - listed)} only in the '
            'folder. Get these files, remove those, or remove the list')
    print(f"{path}: its {len(listed)} stems are those of the split '{dataset.split}'")


def check_images(args: argparse.Namespace, splits: Mapping[str, RGBXDataset],
                 published: Mapping[str, int], source: str) -> int:
    """Loads all files of all splits, prints counts and writes a report.

    Args:
        args: options of ``list_parser``.
        splits: name to data set.
        published: split to its number of samples in the paper, where that is known.
        source: where the files can be had.

    Returns:
        int: the exit code.
    """
    samples = {split: {Path(info['seg_map_path']): info for info in _infos(dataset)}
               for split, dataset in splits.items()}
    infos = {path: info for split in samples.values() for path, info in split.items()}
    faults = run_parallel(image_fault, list(infos.values()), args.workers,
                          partial(tqdm, unit='pair'))
    skipped = {path: fault for path, fault in zip(infos, faults, strict=True) if fault}
    ready = {split: [path not in skipped for path in paths] for split, paths in samples.items()}
    summary = dict(splits=count_samples(ready, published), samples=len(infos))
    return finish(args, summary, skipped, f'Get them again from {source}')


def _infos(dataset: RGBXDataset) -> list[dict]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def _shown(stems: set[str]) -> str:
    first = sorted(stems)[:5]
    return ', '.join([*first, f'and {len(stems) - 5} more'] if len(stems) > 5 else first) or 'none'
