"""Distillation configs, composed of a pair of modalities and a method.

A pair is that of :mod:`mmfkd.config.pairs`. A method is a file of ``_base_/methods``:

- ``losses``: the losses, between taps of the branches ``student`` and ``teacher``;
- ``takes``: loss to argument to what the pair must offer for it, see
  :func:`mmfkd.config.pairs.offers`;
- ``takes_if_offered``: likewise, for arguments that stay at their defaults otherwise;
- ``segmentation``: loss to arguments that differ for segmentation;
- ``second_student``: the teacher learns too; its name as a student to arguments of its branch.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mmengine.config import Config

from .branches import resolve_branches
from .files import PACKAGED, configs_folder, find_config, spelled
from .pairs import Pair, classifies, offers, read
from .tap_key import TapKey


def methods() -> list[str]:
    """Names of the methods of the package."""
    return sorted(path.stem for path in (configs_folder() / '_base_/methods').glob('*.py'))


def compose(pair: str | Pair, method: str) -> Config:
    """The config of a method on a pair; no file has to exist for the combination.

    It trains as a file ``<method>/<pair>.py`` would, whose name it has.

    Args:
        pair: ``DATASET_A2B``, A teaches B.
        method: name of a file in ``_base_/methods``.

    Raises:
        FileNotFoundError: a config of the pair, or the method, does not exist.
        ValueError: the pair does not offer what the method takes; the message says which part.
    """
    pair = pair if isinstance(pair, Pair) else Pair.parse(pair)
    path = find_config(pair.student_config)
    cfg = read(str(path)).to_dict()
    cfg['model'].update(_distillation(pair, method))
    _balance_rates(cfg, pair, method)
    name = f'{method}/{pair}.py'
    composed = Config(cfg, cfg_text=f'# {pair} by {method}\n', filename=name)
    resolve_branches(composed, path)
    return composed


def composed_name(name: str | Path) -> tuple[str, str] | None:
    """Pair and method of a name such as ``configs/dkd/nyuv2_depth2rgb.py`` that is no file.

    Returns:
        arguments of :func:`compose`; None for a file, and for names of another form.
    """
    with suppress(FileNotFoundError):
        find_config(name)
        return None
    path = Path(name)
    with suppress(FileNotFoundError, ValueError):
        _method_file(path.parent.name)
        return str(Pair.parse(path.stem)), path.parent.name
    return None


def write_leaf(pair: str | Pair, method: str, path: Path) -> None:
    """Writes the config of a method on a pair as a file that can be trained and edited.

    Raises:
        FileNotFoundError, ValueError: see :func:`compose`.
        FileExistsError: the file is there already.
    """
    if path.exists():
        raise FileExistsError(f'{path} is there already: move it away, or name another file')
    pair = pair if isinstance(pair, Pair) else Pair.parse(pair)
    composed = compose(pair, method)
    changed = _difference(read(pair.student_config).to_dict(),
                          composed.to_dict())
    base = spelled(find_config(pair.student_config))
    shown = (f"__import__('mmfkd').packaged({base.removeprefix(PACKAGED)!r})"
             if base.startswith(PACKAGED) else repr(base))
    lines = [f'# {pair.teacher} teaches {pair.student} by {method}, on {pair.dataset}.',
             f'_base_ = [{shown}]']
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n' + Config(changed).pretty_text)


def _distillation(pair: Pair, method: str) -> dict:
    """``losses``, ``teachers`` and further ``students`` of a method on a pair."""
    how = read(str(_method_file(method)))
    teacher = dict(config=f'configs/{pair.teacher_config}.py', checkpoint='auto')
    losses = _losses(pair, method, how)
    if 'second_student' not in how:
        _check_taps(pair, method, losses, dict(student=pair.student_config,
                                               teacher=pair.teacher_config))
        return dict(losses=losses, teachers=dict(teacher=teacher))
    (name, arguments), = how.second_student.items()
    _check_taps(pair, method, losses, {'student': pair.student_config, name: pair.teacher_config})
    students = dict(read(pair.student_config).model.students.to_dict())
    students[name] = dict(config=teacher['config'], **arguments)
    return dict(losses=losses, teachers=None, students=students)


def _method_file(method: str) -> Path:
    try:
        return find_config(f'_base_/methods/{method}')
    except FileNotFoundError:
        raise FileNotFoundError(f"method '{method}' does not exist: choose one of "
                                f'{", ".join(methods())}') from None


def _losses(pair: Pair, method: str, how: Config) -> dict[str, dict]:
    """The losses of a method with the arguments that the pair offers."""
    offered = offers(pair)
    losses = {}
    for name, loss in how.losses.items():
        needed, optional = (how.get(key, {}).get(name, {})
                            for key in ('takes', 'takes_if_offered'))
        missing = sorted({part for part in needed.values() if part not in offered})
        if missing:
            raise ValueError(
                f"method '{method}' takes {', '.join(missing)}, which the pair '{pair}' does not "
                f'offer: declare channels=dict(feat=..., stages=(...)) in {pair.student_config}.py '
                f'and {pair.teacher_config}.py, or choose another method')
        taken = {argument: offered[part] for argument, part in {**needed, **optional}.items()
                 if part in offered}
        special = {} if classifies(read(pair.student_config)) else (
            how.get('segmentation', {}).get(name, {}))
        losses[name] = {**loss.to_dict(), **taken, **special}
    return losses


def _check_taps(pair: Pair, method: str, losses: Mapping[str, dict], configs: Mapping[str, str]
                ) -> None:
    """Refuses a method that names a tap which a branch of the pair does not have."""
    for loss in losses.values():
        for keys in (loss['student'], loss['teacher']):
            for key in (keys,) if isinstance(keys, str) else keys:
                branch, tap = TapKey.parse(key)
                config = read(configs[branch])
                taps = next(iter(config.model.students.values())).get('taps') or {}
                if tap not in taps:
                    raise ValueError(
                        f"method '{method}' takes the tap '{tap}', which {configs[branch]}.py of "
                        f"the pair '{pair}' does not offer; its taps are "
                        f'{", ".join(taps) or "none"}')


def _balance_rates(cfg: dict, pair: Pair, method: str) -> None:
    """Gives a second student its own learning rate under the optimizer of the first.

    ``relative_lr`` beside a network is its rate relative to that of other networks, 1 by default.
    """
    second = [name for name in cfg['model'].get('students', {}) if name != 'student']
    rates = [read(name).get('relative_lr', 1)
             for name in (pair.student_config, pair.teacher_config)]
    if second and rates[0] != rates[1]:
        wrapper = cfg['optim_wrapper'].setdefault('paramwise_cfg', {})
        keys = wrapper.setdefault('custom_keys', {})
        keys[f'students.{second[0]}'] = dict(lr_mult=rates[1] / rates[0])


def _difference(base: dict, changed: dict) -> dict:
    """What has to be merged into one dict to get another."""
    found = {}
    for key, value in changed.items():
        if key not in base or base[key] != value:
            both = isinstance(value, dict) and isinstance(base.get(key), dict)
            found[key] = _difference(base[key], value) if both else value
    return found
