"""The files of methods and networks, of which configs are composed.

A method is a file of ``_base_/methods``, a network of several modalities one of
``_base_/networks``. Either may have ``presets``, name to what it changes: ``NAME-PRESET``, such as
``kd-balanced`` or ``csknet-paper``, names it with one.
"""

from contextlib import suppress
from pathlib import Path

from mmengine.config import Config

from .files import configs_folder, find_config
from .pairs import Modalities, Pair, read

METHODS, NETWORKS = '_base_/methods', '_base_/networks'
FUSED = 'fused'  # the segmentor of fused images, which has no file: see mmfkd.config.fused


def methods() -> list[str]:
    """Names of the methods of the package."""
    return sorted(path.stem for path in (configs_folder() / METHODS).glob('*.py'))


def networks() -> list[str]:
    """Names of the networks of several modalities of the package."""
    return sorted(path.stem for path in (configs_folder() / NETWORKS).glob('*.py'))


def is_network(name: str) -> bool:
    """Whether a name, with or without a preset, is that of a network of several modalities.

    So is ``fused``, the segmentor of images that are fused of several.
    """
    with suppress(FileNotFoundError):
        find_config(f'{METHODS}/{name}')
        return False
    with suppress(FileNotFoundError):
        part_file(name, NETWORKS)
        return True
    return name == FUSED


def part_file(name: str, folder: str = METHODS) -> tuple[Path, str]:
    """File of a method or network, and the preset that is named, or ''.

    Args:
        name: ``NAME`` or ``NAME-PRESET``.
        folder: ``METHODS`` or ``NETWORKS``.

    Raises:
        FileNotFoundError: no such method or network.
    """
    with suppress(FileNotFoundError):
        return find_config(f'{folder}/{name}'), ''
    part, _, preset = name.rpartition('-')
    try:
        return find_config(f'{folder}/{part}'), preset
    except FileNotFoundError:
        raise FileNotFoundError(f"method '{part or name}' does not exist: choose one of "
                                f'{", ".join(methods())}; networks of several modalities are '
                                f'{", ".join((*networks(), FUSED))}') from None


def method_file(name: str) -> tuple[Config, dict]:
    """File of a method, and what a preset changes in it, from ``METHOD`` or ``METHOD-PRESET``.

    Raises:
        FileNotFoundError: no such method.
        ValueError: no such preset of it.
    """
    path, preset = part_file(name)
    how = read(path)
    return how, chosen_preset(path.stem, how.get('presets', {}), preset)


def chosen_preset(part: str, presets: dict, name: str) -> dict:
    """What a preset changes.

    Args:
        part: name of the method or network.
        presets: those that it has.
        name: of one of them, or ''.

    Raises:
        ValueError: it has no such preset.
    """
    if name and name not in presets:
        raise ValueError(f"method '{part}' has no preset '{name}': choose "
                         f'{" or ".join(f"{part}-{one}" for one in presets) or part}')
    return presets[name].to_dict() if name else {}


def composed_name(name: str | Path) -> tuple[str, str] | None:
    """What a name such as ``configs/dkd/nyuv2_depth2rgb.py`` that is no file is composed of.

    It is ``METHOD/PAIR``, alone or in a folder ``configs``: in another folder a file is meant.

    Returns:
        arguments of :func:`mmfkd.config.compose`; None for a file, and for names of another form.
    """
    with suppress(FileNotFoundError):
        find_config(name)
        return None
    part, modalities = Path(name).parent.name, Path(name).stem
    if Path(name).parent.parent.name not in ('', 'configs'):
        return None
    with suppress(FileNotFoundError, ValueError):
        if is_network(part):
            return str(Modalities.parse(modalities)), part
        part_file(part)
        return str(Pair.parse(modalities)), part
    return None
