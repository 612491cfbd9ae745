"""Print the versions that matter and judge each: ``mmfkd env``.

Reads package metadata with the standard library alone, so that it can say what is wrong in an
environment where nothing else imports.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import cast

from mmfkd.version import __version__

# The distributions that bring each part. In the OpenMMLab ones the maintained fork comes first.
PARTS = {
    **{name: (name,) for name in ('torch', 'torchvision', 'torchaudio', 'transformers', 'numpy')},
    'opencv': ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python'),
    'mmengine': ('onedl-mmengine', 'mmengine', 'mmengine-lite'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite'),
    'mmsegmentation': ('onedl-mmsegmentation', 'mmsegmentation'),
    'mmpretrain': ('onedl-mmpretrain', 'mmpretrain'),
}
OPENMMLAB = ('mmengine', 'mmcv', 'mmsegmentation', 'mmpretrain')

# Works where it is missing, but for sound.
OPTIONAL = {'torchaudio': 'audio'}

# What upstream OpenMMLab does not run with, from this version on, and what to install instead.
UPSTREAM_LIMITS = {
    'torch': ('2.6', ('torch<2.6', 'torchvision<0.21', 'torchaudio<2.6')),
    'numpy': ('2', ('numpy<2', 'opencv-python<4.12')),
    'transformers': ('5', ('transformers>=4.40,<5',)),
}


@dataclass(frozen=True)
class Finding:
    """Something that is known to break.

    Attributes:
        part: The part at fault, a key of ``PARTS``, ``python`` or ``setuptools``.
        problem: What breaks, and why.
        cure: The command that mends it.
    """

    part: str
    problem: str
    cure: str


def _pip(*requirements: str) -> str:
    return 'pip install ' + ' '.join(f"'{requirement}'" for requirement in requirements)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r'\d+', version)[:2])


def pins() -> dict[str, str]:
    """Distribution to the requirement of this installation of mmfkd, without those of extras.

    Empty where mmfkd is run from its folder and not installed.
    """
    with suppress(metadata.PackageNotFoundError):
        plain = [text for text in metadata.requires('mmfkd') or () if 'extra ==' not in text]
        return {cast(re.Match, re.match(r'[\w.-]+', text))[0]: text.partition(';')[0].strip()
                for text in plain}
    return {}


def _pin(name: str) -> str:
    return pins().get(name, name)


def _lowest(name: str) -> str:
    """The lower bound of a distribution, such as '2.6'; '0' without one."""
    match = re.search(r'>=([\d.]+)', _pin(name))
    return match[1] if match else '0'


def _forks(versions: dict[str, str]) -> list[str]:
    return [PARTS[part][0] for part in OPENMMLAB if PARTS[part][0] in versions]


def _upstream(versions: dict[str, str]) -> list[str]:
    """The distributions of a wholly upstream stack; with any fork in it, the forks' rules hold."""
    names = [name for part in OPENMMLAB for name in PARTS[part][1:] if name in versions]
    return [] if _forks(versions) else names


def _judge_each(versions: dict[str, str]) -> Iterator[Finding]:
    if _release(versions['python']) < (3, 10):
        cure = 'python3.11 -m venv .venv && .venv/bin/pip install -e .'
        yield Finding('python', 'older than 3.10, the lowest known to work', cure)
    for part, names in PARTS.items():
        found = [name for name in names if name in versions]
        if not found and part not in OPTIONAL:
            yield Finding(part, 'not installed', _pip(_pin(names[0])))
        for name in found:
            lowest = _lowest(name)
            if not _upstream(versions) and _release(versions[name]) < _release(lowest):
                yield Finding(part, f'older than {lowest}, the lowest known to work',
                              _pip(_pin(name)))
    if _release(versions['python']) >= (3, 12) and 'setuptools' not in versions:
        problem = 'not installed: mmengine imports distutils, which Python 3.12 leaves to it'
        yield Finding('setuptools', problem, _pip('setuptools'))


def _judge_torch(versions: dict[str, str]) -> Iterator[Finding]:
    torch = _release(versions.get('torch', ''))
    if not torch or (_upstream(versions) and torch >= (2, 6)):
        return
    major, minor = torch
    vision = f'0.{minor + 15}'
    if 'torchvision' in versions and _release(versions['torchvision']) != _release(vision):
        yield Finding('torchvision', f'torch {major}.{minor} needs {vision}',
                      _pip(f'torch=={major}.{minor}.*', f'torchvision=={vision}.*'))
    if 'torchaudio' not in versions or _release(versions['torchaudio']) == torch:
        return
    sound = _release(versions['torchaudio'])
    problem = (f'it fits torch {sound[0]}.{sound[1]} alone, and transformers imports it where it '
               'is installed')
    cure = (f'pip uninstall -y torchaudio, or for sound '
            f"{_pip(f'torchaudio=={sound[0]}.{sound[1]}.*', f'torch=={sound[0]}.{sound[1]}.*')}")
    yield Finding('torchaudio', problem, cure)


def _judge_mixture(versions: dict[str, str]) -> Iterator[Finding]:
    forks = _forks(versions)
    for part in OPENMMLAB:
        names = [name for name in PARTS[part] if name in versions]
        if len(names) > 1:
            problem = f'{" and ".join(names)} write the same files'
        elif forks and names and names[0] not in forks:
            problem = f'{names[0]} is upstream, beside forks that need newer packages'
        else:
            continue
        keep = _pin(PARTS[part][0]) if forks else f'{names[0]}=={versions[names[0]]}'
        yield Finding(part, problem, f'pip uninstall -y {" ".join(names)} && {_pip(keep)}')


def _judge_upstream(versions: dict[str, str]) -> Iterator[Finding]:
    upstream = _upstream(versions)
    for part, (limit, requirements) in UPSTREAM_LIMITS.items():
        if upstream and part in versions and _release(versions[part]) >= _release(limit):
            problem = f'{", ".join(upstream)} cannot run with {part} {limit} or later'
            yield Finding(part, problem, _pip(*requirements))
    if 'mmcv' in upstream and _release(versions['mmcv']) >= (2, 2):
        yield Finding('mmcv', 'mmsegmentation refuses mmcv 2.2 or later', _pip('mmcv==2.1.0'))
    if 'mmcv-lite' in upstream and 'mmcv' not in upstream:
        cure = 'pip uninstall -y mmcv-lite && ' + _pip('mmcv==2.1.0')
        yield Finding('mmcv', 'mmsegmentation needs the compiled operators of mmcv', cure)


def judge(versions: dict[str, str]) -> list[Finding]:
    """Finds what is known to break in a set of versions.

    Args:
        versions: Versions by distribution name, and that of the interpreter as ``python``.

    Returns:
        The findings; none means that the set is known to work.
    """
    rules = (_judge_each, _judge_torch, _judge_mixture, _judge_upstream)
    return [finding for rule in rules for finding in rule(versions)]


def installed_versions() -> dict[str, str]:
    """The versions of this environment, as ``judge`` takes them."""
    versions = {'python': platform.python_version()}
    for name in (*sum(PARTS.values(), ()), 'setuptools'):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _gpus() -> str:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f'torch for CUDA {torch.version.cuda}, {", ".join(names) or "no GPU"}'


def main(argv: list[str] | None = None) -> int:
    """Prints the table, the problems and their cures; returns 1 if there are problems, else 0."""
    parser = argparse.ArgumentParser('mmfkd env', description=__doc__)
    parser.add_argument('--gpu', action='store_true',
                        help='Name the GPUs too, which imports torch.')
    args = parser.parse_args(argv)

    versions = installed_versions()
    findings = judge(versions)
    broken = {finding.part for finding in findings}
    print(f'mmfkd {__version__}, {os.cpu_count()} cores')
    for part, names in {'python': ('python',), **PARTS}.items():
        found = [name for name in names if name in versions]
        missing = f'not installed (extra: {OPTIONAL[part]})' if part in OPTIONAL else 'missing'
        listed = ', '.join(f'{name} {versions[name]}' for name in found) or missing
        print(f'{part:15} {listed:45} {"BREAKS" if part in broken else "OK"}')
    for finding in findings:
        print(f'\n{finding.part}: {finding.problem}\n    {finding.cure}')
    if args.gpu:
        print(f'\n{_gpus()}')
    return int(bool(findings))


if __name__ == '__main__':
    raise SystemExit(main())
