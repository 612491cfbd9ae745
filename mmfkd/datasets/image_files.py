"""Files of images: which there are, and how they are read."""

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from glob import escape, glob
from pathlib import Path

from mmengine.logging import print_log

from .lists import composed, missing_data
from .transforms.arrays import NUMPY, SUFFIXES
from .transforms.images import COLOR

GREY = dict(type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow')
ARRAY = dict(type='mmfkd.LoadArray')
UNCHANGED = dict(type='LoadImageFromFile', color_type='unchanged', imdecode_backend='pillow',
                 to_float32=True)


def default_loader(spec: Mapping) -> dict:
    """The loader of a modality that names none."""
    suffixes = [suffix.lower() for suffix in suffixes_of(spec['suffix'])]
    # Three channels of a TIFF are colours, which are read in BGR order as those of other images.
    arrays = NUMPY if spec['channels'] == 3 else SUFFIXES
    if all(suffix.endswith(arrays) for suffix in suffixes):
        return ARRAY
    return COLOR if spec['channels'] == 3 else UNCHANGED


def list_files(folder: Path) -> list[tuple[str, Path]]:
    """Path below ``folder``, and path, of every file there, subfolders included.

    Args:
        folder: of the files; ``*`` in it stands for any name.

    Raises:
        FileNotFoundError: no such folder.
    """
    pattern = escape(str(folder)).replace('[*]', '*')
    folders = sorted(map(Path, glob(pattern))) if '*' in str(folder) else [folder]
    if not folders or not folders[0].is_dir():
        raise FileNotFoundError(missing_data(folder))
    return [(name, one / name) for one in folders for name in names_below(str(one))]


def names_below(folder: str, parts: str = '', above: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of the files below a folder, relative to it; links to folders are followed, once each.

    Args:
        folder: where to begin.
        parts: of the path from there to the folder that is listed.
        above: real paths of the folders that hold that one.
    """
    real = os.path.realpath(os.path.join(folder, parts))
    if real in above:
        return
    with os.scandir(real) as entries:
        for entry in entries:
            name = os.path.join(parts, entry.name)
            if entry.is_dir():
                yield from names_below(folder, name, (*above, real))
            else:
                yield name


def list_each(folder: str, mark: str, names: Iterable[str]) -> list[tuple[str, Path]]:
    """``NAME/FILE``, and path, of the files of one folder for each of several names.

    Args:
        folder: of the files, with ``mark`` for the name.
        mark: such as ``{video}``.
        names: that take its place.

    Raises:
        FileNotFoundError: one of the folders is missing.
    """
    return [(f'{name}/{below}', path) for name in names
            for below, path in list_files(Path(folder.replace(mark, name)))]


def by_stem(files: Sequence[tuple[str, Path]], folder: str, suffix: str | Sequence[str]
            ) -> dict[str, Path]:
    """Stem to path of the files that end in one of several suffixes.

    Stems are :func:`composed`, so that files pair up however their letters are written.

    Args:
        files: name, of which the stem is a part, and path of each.
        folder: of the files, for messages.
        suffix: one or several.

    Raises:
        ValueError: no file ends so, or two files have one stem.
    """
    files = [(composed(name), path) for name, path in files]
    found = unique(
        ((name.removesuffix(one), path) for one in map(composed, suffixes_of(suffix))
         for name, path in files if name.endswith(one)),
        "Remove or rename one, or correct 'folder' or 'suffix'")
    if not found:
        endings = {path.suffix for _, path in files} - {''}
        raise ValueError(
            f"{folder} holds no file that ends in '{listed_suffixes(suffix)}', only "
            f"{', '.join(sorted(endings)) or 'none at all'}: check 'folder' and 'suffix' of the "
            'modality')
    _tell_other_case([name for name, _ in files], folder, suffixes_of(suffix))
    return found


def unique(paths: Iterable[tuple[str, Path]], cure: str) -> dict[str, Path]:
    """Stem, composed, to path.

    Args:
        paths: stem and path of each file.
        cure: what to do about two files of one stem.

    Raises:
        ValueError: two files have one stem.
    """
    found: dict[str, Path] = {}
    twice: list[tuple[Path, Path]] = []
    for stem, path in paths:
        first = found.setdefault(composed(stem), path)
        twice += [(first, path)] if first != path else []
    if twice:
        first, path = min(twice)
        others = f', as have {len(twice) - 1} others' if len(twice) > 1 else ''
        raise ValueError(f'{first} and {path} have the same stem{others}: which one counts? {cure}')
    return found


def _tell_other_case(names: Collection[str], folder: str, suffixes: Collection[str]) -> None:
    """Logs how many files are left out because their suffix is in capitals, or is not.

    Args:
        names: of the files.
        folder: of the files.
        suffixes: that are wanted.
    """
    extensions = [(one, one.rpartition('.')) for one in suffixes]
    others = {f'{start}{dot}{other}' for one, (start, dot, end) in extensions
              for other in (end.lower(), end.upper())} - set(suffixes)
    for other in sorted(others):
        count = sum(name.endswith(other) for name in names)
        if count:
            print_log(f"{folder}: {count} files that end in '{other}' are left out, as "
                      f"'suffix' is '{listed_suffixes(tuple(suffixes))}'", logger='current')


def check_partners(wanted: Collection[str],
                   folders: Mapping[str, tuple[str, str | Sequence[str]]],
                   files: Mapping[str, Collection[str]]) -> None:
    """Refuses files that have no partner of every kind.

    Args:
        wanted: stems of which there is to be a file of every kind.
        folders: folder and suffix of each kind.
        files: stems of each kind that there are.

    Raises:
        ValueError: some are missing; the first ten are named.
    """
    for name, (folder, suffix) in folders.items():
        lacking = sorted(set(wanted) - set(files[name]))
        if lacking:
            listed = ', '.join(f'{stem}{listed_suffixes(suffix)}' for stem in lacking[:10])
            some = (" Where only some samples have labels, say labels='some' of this data set, "
                    "also of one that is held out of it (subset='val')." if name == 'label' else '')
            raise ValueError(
                f'{folder}: {len(lacking)} of {len(wanted)} files of "{name}" are missing: '
                f'{listed}{", ..." if len(lacking) > 10 else ""}. Every modality and the '
                f'labels need a file of the same stem; add these or remove their partners.{some}')


def check_strays(files: Mapping[str, Path], stems: Collection[str]) -> None:
    """Warns of label files that are of no image.

    Args:
        files: stem to label file.
        stems: of all images.

    Raises:
        ValueError: none of them is of an image.
    """
    strays = sorted(set(files) - set(stems))
    if not strays:
        return
    shown = ', '.join(str(files[stem]) for stem in strays[:10]) + (
        ', ...' if len(strays) > 10 else '')
    if len(strays) == len(files):
        raise ValueError(f'none of {len(files)} label files has the stem of an image: {shown}. '
                         "Rename them, or correct 'suffix' of label or of the modalities")
    print_log(f'{len(strays)} of {len(files)} label files are of no image, and left out: {shown}',
              logger='current', level=logging.WARNING)


def suffixes_of(suffix: str | Sequence[str]) -> tuple[str, ...]:
    """One suffix, or several, as several."""
    return (suffix,) if isinstance(suffix, str) else tuple(suffix)


def listed_suffixes(suffix: str | Sequence[str]) -> str:
    """Suffixes for a message."""
    return ' or '.join(suffixes_of(suffix))
