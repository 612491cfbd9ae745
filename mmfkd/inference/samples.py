"""Samples to predict: files, arrays and texts by modality, paired by their names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmfkd.datasets.image_files import names_below, unique
from mmfkd.datasets.lists import composed, read_text
from mmfkd.datasets.transforms.arrays import SUFFIXES as ARRAY_SUFFIXES
from mmfkd.datasets.transforms.images import FRAME_SUFFIXES

IMAGE, CLIP, SOUND, TEXT = 'image', 'clip', 'sound', 'text'
SUFFIXES = {
    IMAGE: (*FRAME_SUFFIXES, '.bmp', '.webp', *ARRAY_SUFFIXES),
    SOUND: ('.wav', '.flac', '.mp3', '.ogg', '.opus', '.m4a', '.aac', '.aif', '.aiff')}
EXAMPLES = {IMAGE: "an image file or an array (H, W, C)", CLIP: 'a folder of frames',
            SOUND: 'a sound file, or dict(array=wave, rate=16000)', TEXT: 'a text'}


@dataclass(frozen=True)
class Sample:
    """One thing to predict.

    Attributes:
        name: that of its first file without folder and suffix, or a number.
        modalities: name to what a data set gives its loaders: ``dict(path=...)``,
            ``dict(folder=...)``, ``dict(array=...)`` or a text.
    """

    name: str
    modalities: dict[str, Any]


def samples_of(inputs: Any, kinds: Mapping[str, str],
               ends: Mapping[str, Sequence[str]] | None = None) -> list[Sample]:
    """Samples out of whatever a user gives.

    Args:
        inputs: a path, an array or a text, where there is one modality; a dict of modality to
            such; or a list of these. A folder, or a :class:`~pathlib.Path` of a text file with a
            text a line, stands for several samples, and several folders are paired by stem.
        kinds: modality to its kind.
        ends: modality to the ends of its files' names in the training, such as ``_rgb.png``. Of a
            folder in which some end so, these are meant, and are paired without these ends.

    Raises:
        FileNotFoundError: a path does not exist.
        ValueError: an unknown modality, one that is not named, a folder without such files, stems
            that do not pair up, something of another kind.
    """
    items = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    found = [sample for item in items
             for sample in _samples(_by_modality(item, kinds), kinds, ends or {})]
    if not found:
        raise ValueError('there is nothing to predict')
    return [sample if sample.name else Sample(f'{i:06d}', sample.modalities)
            for i, sample in enumerate(found)]


def _by_modality(item: Any, kinds: Mapping[str, str]) -> Mapping[str, Any]:
    if not isinstance(item, Mapping) or 'array' in item:
        if len(kinds) > 1:
            some = ', '.join(f'{name}=...' for name in kinds)
            raise ValueError(f'the network takes {", ".join(kinds)}: say which one this is, with '
                             f'dict({some}) of all or some of them')
        return {next(iter(kinds)): item}
    unknown = [name for name in item if name not in kinds]
    if unknown or not item:
        raise ValueError(f'{", ".join(unknown) or "nothing"} is given, but the network takes '
                         f'{", ".join(kinds)}: name what it takes, as '
                         f'{" ".join(f"--{name} PATH" for name in kinds)}, or in Python as '
                         f'dict({", ".join(f"{name}=..." for name in kinds)})')
    return item


def _samples(item: Mapping[str, Any], kinds: Mapping[str, str],
             ends: Mapping[str, Sequence[str]]) -> Iterator[Sample]:
    several = {name: many for name, value in item.items()
               if (many := _several(name, value, kinds[name], ends.get(name, ()))) is not None}
    if not several:
        specs = {name: _spec(name, value, kinds[name]) for name, value in item.items()}
        files = [Path(spec['path']).stem if 'path' in spec else Path(spec['folder']).name
                 for spec in specs.values() if isinstance(spec, dict) and 'array' not in spec]
        yield Sample(files[0] if files else '', specs)
        return
    single = [name for name in item if name not in several]
    if single:
        raise ValueError(f'{next(iter(several))} is several samples and {single[0]} is one: give '
                         'folders of both, or single files')
    for name in _paired(item, several):
        yield Sample(name, {modality: many[name] for modality, many in several.items()})


def _paired(item: Mapping[str, Any], several: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names that every modality has, in their order.

    Raises:
        ValueError: a name is missing in one.
    """
    names = set().union(*several.values())
    for modality, many in several.items():
        lacking = sorted(names - set(many))
        if lacking:
            raise ValueError(
                f'{item[modality]} lacks {len(lacking)} of {len(names)} files that its partners '
                f'have: {", ".join(lacking[:10])}{", ..." if len(lacking) > 10 else ""}. Files '
                'are paired by their names without the suffix: add these, or take their partners '
                'away')
    return sorted(names)


def _several(name: str, value: Any, kind: str, ends: Sequence[str]) -> dict[str, Any] | None:
    """The samples of a folder or a file of texts by their names; None for a single sample."""
    if kind == TEXT:
        return _texts(value) if isinstance(value, Path) else None
    if not isinstance(value, (str, Path)) or not Path(value).is_dir():
        return None
    folder = Path(value)
    if kind == CLIP:
        clips = [path.name for path in folder.iterdir() if path.is_dir() and _frames(path)]
        if clips and _frames(folder):
            raise ValueError(f'{name}: {folder} holds frames, and folders of frames such as '
                             f'{clips[0]}: it is one clip or several, take either away')
        return None if _frames(folder) else _clips(name, folder)
    return _files(name, folder, kind, ends)


def _texts(path: Path) -> dict[str, str]:
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(f'{path} {what}: name a file with a text in each line')
    lines = read_text(path).removesuffix('\n').split('\n')
    empty = [i for i, line in enumerate(lines, 1) if not line.strip()]
    if empty:
        raise ValueError(f'{path}: line {empty[0]} is empty: every line is a text')
    return {f'{path.stem}-{i:06d}': line for i, line in enumerate(lines, 1)}


def _frames(folder: Path) -> bool:
    return any(path.suffix.lower() in FRAME_SUFFIXES for path in folder.iterdir())


def _clips(name: str, folder: Path) -> dict[str, dict]:
    found = unique(((path.name, path) for path in sorted(folder.iterdir())
                    if path.is_dir() and _frames(path)), 'Rename one')
    if not found:
        raise ValueError(f'{name}: {folder} holds no frames and no folders of frames '
                         f'({", ".join(FRAME_SUFFIXES)}): extract those of videos with '
                         'mmfkd prepare')
    return {stem: dict(folder=str(path)) for stem, path in found.items()}


def _files(name: str, folder: Path, kind: str, ends: Sequence[str]) -> dict[str, dict]:
    files = sorted(folder / path for path in names_below(str(folder)))
    fitting = [path for path in files if path.suffix.lower() in SUFFIXES[kind]]
    others = sorted({path.suffix or path.name for path in set(files) - set(fitting)})
    if not fitting:
        raise ValueError(f'{name}: {folder} holds no {kind} ({", ".join(SUFFIXES[kind])}), only '
                         f'{", ".join(others) or "nothing at all"}')
    if others:
        print_log(f'{folder}: {len(files) - len(fitting)} files are no {kind} and left out: '
                  f'{", ".join(others)}', logger='current')
    # An end that is a suffix alone tells nothing apart.
    marks = tuple(composed(end) for end in ends if not end.startswith('.'))
    names = {path: composed(str(path.relative_to(folder))) for path in fitting}
    marked = [path for path in fitting if marks and names[path].endswith(marks)]
    if marked and len(marked) < len(fitting):
        print_log(f'{folder}: {len(fitting) - len(marked)} files do not end in '
                  f'{" or ".join(marks)}, as {name} does, and are left out', logger='current')
    found = unique(
        ((names[path].removesuffix(next(filter(names[path].endswith, marks), path.suffix)), path)
         for path in marked or fitting), 'Rename one')
    return {stem: dict(path=str(path)) for stem, path in found.items()}


def _spec(name: str, value: Any, kind: str) -> Any:
    """One sample of a modality as loaders take it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: something of another kind.
    """
    if kind == TEXT and isinstance(value, str):
        if Path(value).suffix and Path(value).is_file():
            raise ValueError(f"{name}: '{value}' is a file, and a str is a text: give "
                             f"pathlib.Path('{value}') for the texts in it")
        return value
    if isinstance(value, (str, Path)) and kind != TEXT:
        return _path(name, Path(value), kind)
    if isinstance(value, Mapping) and 'array' in value and kind in (IMAGE, SOUND):
        if kind == SOUND and 'rate' not in value:
            raise ValueError(f'{name}: a wave needs its rate in Hz: dict(array=wave, rate=16000)')
        return dict(path=f'the array of {name}', **value)
    if kind == IMAGE and isinstance(value, np.ndarray):
        return dict(path=f'the array of {name}', array=value)
    if kind == CLIP and isinstance(value, (np.ndarray, Sequence)) and len(value):
        return dict(folder=f'the frames of {name}', array=list(value))
    raise ValueError(f'{name} is {type(value).__name__}, and the network takes {EXAMPLES[kind]}')


def _path(name: str, path: Path, kind: str) -> dict:
    if not path.exists():
        raise FileNotFoundError(f'{name}: {path} does not exist')
    if kind == CLIP:
        if not path.is_dir():
            raise ValueError(f'{name}: {path} is a file, and the network takes {EXAMPLES[CLIP]}: '
                             'extract those of a video with mmfkd prepare')
        return dict(folder=str(path))
    other = SOUND if kind == IMAGE else IMAGE
    if path.suffix.lower() in SUFFIXES[other]:
        raise ValueError(f'{name}: {path} is a file of {other}, and the network takes '
                         f'{EXAMPLES[kind]}')
    return dict(path=str(path))


def named(samples: Iterable[Sample]) -> list[str]:
    """Names of samples; of equal ones all but the first have a number after them."""
    found: dict[str, None] = {}
    for sample in samples:
        name, number = sample.name, 1
        while name in found:
            number += 1
            name = f'{sample.name}-{number}'
        found[name] = None
    return list(found)
