"""Names and places of config files.

A config is named by its path, or by its name in the package: ``fdkd/synthetic_depth2rgb`` is the
file ``fdkd/synthetic_depth2rgb.py`` of the configs that come with mmfkd.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

PACKAGED = 'mmfkd::'


def configs_folder() -> Path:
    """Folder of the configs that come with mmfkd: inside a wheel, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / '.mim' / 'configs'
    return installed if installed.is_dir() else Path(__file__).parents[2] / 'configs'


def packaged(name: str) -> str:
    """Absolute path of a config that comes with mmfkd, for ``_base_`` of a config elsewhere.

    Args:
        name: such as 'unimodal/nyuv2_rgb.py' or '_base_/methods/fdkd.py'.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    path = configs_folder() / name.removeprefix(PACKAGED).removeprefix('configs/')
    path = path if path.suffix == '.py' else path.with_name(f'{path.name}.py')
    if not path.is_file():
        raise FileNotFoundError(f"mmfkd has no config '{name}'{_suggestion(name)}")
    return str(path)


def find_config(name: str | Path, named_by: str | Path | None = None) -> Path:
    """Path of a config.

    A relative name that stands in a config is looked for beside that config and in the folders
    above it, so that a run does not depend on the working directory. Then come the working
    directory, its ``configs`` folder and the configs of the package.

    Args:
        name: a path, a name in the package, or a name with the prefix ``mmfkd::``, which is looked
            for in the package alone. The suffix ``.py`` may be left out.
        named_by: the config file in which the name stands.

    Raises:
        FileNotFoundError: there is no such file; close names are suggested.
    """
    name = str(name)
    if name.startswith(PACKAGED):
        return Path(packaged(name))
    folders = [*Path(named_by).resolve().parents] if named_by else []
    for folder in (*folders, Path(), Path('configs')):
        for path in (folder / name, folder / f'{name}.py'):
            if path.is_file():
                return path
    try:
        return Path(packaged(name))
    except FileNotFoundError:
        raise FileNotFoundError(f'config {name} does not exist in {Path().resolve()}, its folder '
                                f'configs or the package{_suggestion(name)}') from None


def _suggestion(name: str) -> str:
    """Close names, those of the folder configs first, as the end of a message."""
    known = list(dict.fromkeys((*_names_in(Path('configs')), *packaged_names())))
    wanted = name.removeprefix(PACKAGED).removeprefix('configs/').removesuffix('.py')
    close = get_close_matches(wanted, known, n=3, cutoff=0.6)
    cure = f'close names are {", ".join(close)}; ' if close else ''
    return f'; {cure}ls {configs_folder()} lists the configs of the package'


def packaged_names() -> Iterator[str]:
    """Names of the package's configs that can be trained, such as 'fdkd/nyuv2_rgb2depth'."""
    return _names_in(configs_folder())


def _names_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob('*/*.py')):
        if path.parent.name != '_base_':
            yield f'{path.parent.name}/{path.stem}'


def spelled(path: Path) -> str:
    """A found config as it is kept in another config.

    Packaged ones are kept by name, those in the working directory by their path from there, which
    names their work dir, and others in full.
    """
    path = path.resolve()
    for folder, prefix in ((configs_folder().resolve(), PACKAGED), (Path().resolve(), '')):
        if path.is_relative_to(folder):
            return prefix + path.relative_to(folder).as_posix()
    return str(path)


def shown(config: str | Path) -> str:
    """A config as a command takes it: what :func:`spelled` gives, without the prefix."""
    return str(config).removeprefix(PACKAGED)


def config_name(config: str | Path) -> str:
    """``fdkd/nyuv2_depth2rgb`` for ``configs/fdkd/nyuv2_depth2rgb.py``.

    The folder of the config is kept, because methods share the names of their leaves.
    """
    path = Path(str(config).removeprefix(PACKAGED))
    path = path.resolve() if '..' in path.parts else path
    return f'{path.parent.name}/{path.stem}' if path.parent.name else path.stem


def default_work_dir(config: str | Path) -> Path:
    """``work_dirs/fdkd/nyuv2_depth2rgb`` for ``configs/fdkd/nyuv2_depth2rgb.py``."""
    return Path('work_dirs', config_name(config))
