"""Distillation configs, composed of a pair of modalities and a method.

Networks of several modalities are composed by :mod:`mmfkd.config.networks`. A pair is that of
:mod:`mmfkd.config.pairs`. A method is a file of ``_base_/methods``:

- ``losses``: the losses, between taps of the branches ``student`` and ``teacher``;
- ``takes``: loss to argument to what the pair must offer for it, see
  :func:`mmfkd.config.offers.offers`;
- ``takes_if_offered``: likewise, for arguments that stay at their defaults otherwise;
- ``segmentation``, ``two_classes``: loss to arguments that differ there; None in place of a loss
  refuses such pairs;
- ``presets``: name to ``losses`` (loss to arguments that differ) and whatever else a config has;
  ``METHOD-PRESET``, such as ``kd-balanced``, names a method with a preset;
- ``search``: what :mod:`mmfkd.tuning` searches, key to choices [a, b] or to a range (low, high);
- ``second_student``: the teacher learns too; its name as a student to arguments of its branch.

Whatever else it says, such as ``custom_imports`` or hooks, holds as in a config that inherits it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from .branch_files import resolve_branches
from .files import PACKAGED, config_name, find_config, spelled
from .fused import compose_fused
from .imports import join_imports
from .method_files import FUSED, is_network, method_file
from .networks import compose_network
from .offers import classifies, offers
from .options import merge_options
from .pairs import Modalities, Pair, PairConfigs, read
from .tap_key import TapKey

# What a method's file declares; all else in it is taken over as it is.
DECLARATIONS = ('losses', 'takes', 'takes_if_offered', 'segmentation', 'two_classes', 'presets',
                'search', 'second_student')


def compose(pair: str | Pair, method: str) -> Config:
    """The config of a method on a pair; no file has to exist for the combination.

    It trains like a file ``<method>/<pair>.py``, and has its name.

    Args:
        pair: ``DATASET_A2B``, A teaches B; for a network see :class:`Modalities`.
        method: name of a file in ``_base_/methods``, or ``METHOD-PRESET``; of a network of several
            modalities, see :func:`compose_network`; or ``fused``, see :func:`compose_fused`.

    Raises:
        FileNotFoundError: a config of the pair, or the method, does not exist.
        ValueError: the pair does not offer what the method takes, and the message says which part;
            the method has no such preset; or its file is wrong.
    """
    if is_network(method):
        modalities = Modalities.parse(str(pair))
        return (compose_fused(modalities) if method == FUSED else
                compose_network(modalities, method))
    how, preset = method_file(method)
    pair = pair if isinstance(pair, Pair) else Pair.parse(pair)
    configs = PairConfigs.find(pair)
    composed = Config(configs.student.to_dict(), cfg_text=f'# {pair} by {method}\n',
                      filename=f'{method}/{pair}.py')
    composed.model.update(_distillation(pair, configs, method, how, preset))
    # Whatever else the file says, such as hooks and imports, holds as in a leaf.
    for said in (how.to_dict(), preset):
        composed.merge_from_dict({key: value for key, value in said.items()
                                  if key not in DECLARATIONS})
    join_imports(composed, (*configs, how, preset))
    _balance_rates(composed, configs, how)
    resolve_branches(composed, configs.student.filename)
    return composed


def write_leaf(pair: str | Pair, method: str, path: Path,
               options: Mapping[str, object] | None = None) -> None:
    """Writes the config of a method on a pair as a file that can be trained and edited.

    Args:
        pair: ``DATASET_A2B``.
        method: name of a method, or ``METHOD-PRESET``.
        path: of the file.
        options: values to set in it, dotted key to value.

    Raises:
        FileNotFoundError: see :func:`compose`.
        ValueError: likewise; or the file does not end in ``.py``.
        FileExistsError: the file is there already.
    """
    if path.suffix != '.py':
        raise ValueError(f'{path} must end in .py: mmengine reads no other config')
    if path.exists():
        raise FileExistsError(f'{path} is there already: move it away, or name another file')
    composed = compose(pair, method)
    merge_options(composed, options or {})
    student = (read(find_config(composed.baseline)) if is_network(method)
               else PairConfigs.find(Pair.parse(str(pair))).student)
    _write(f'# {pair} by {method}.', student, _difference(student.to_dict(), composed.to_dict()),
           path)


def write_baseline(pair: str | Pair, path: Path, options: Mapping[str, object]) -> None:
    """Writes the config of a pair's baseline with other values, such as a learning rate.

    Args:
        pair: ``DATASET_A2B``.
        path: of the file.
        options: values to set in it, dotted key to value.
    """
    pair = pair if isinstance(pair, Pair) else Pair.parse(pair)
    student = PairConfigs.find(pair).student
    changed = Config(student.to_dict())
    merge_options(changed, options)
    _write(f'# {pair.student} alone, on {pair.dataset}.', student,
           _difference(student.to_dict(), changed.to_dict()), path)


def _write(comment: str, student: Config, changed: dict, path: Path) -> None:
    base = spelled(Path(student.filename))
    if base.startswith(PACKAGED):
        base = f"__import__('mmfkd').packaged({base.removeprefix(PACKAGED)!r})"
    else:
        base = repr(Path(os.path.relpath(base, path.resolve().parent)).as_posix())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{comment}\n_base_ = [{base}]\n' + Config(changed).pretty_text)


def _distillation(pair: Pair, configs: PairConfigs, method: str, how: Config, preset: Mapping
                  ) -> dict:
    """``losses``, ``teachers`` and further ``students`` of a method on a pair."""
    losses = _losses(pair, configs, method, how, preset)
    teacher = dict(config=spelled(Path(configs.teacher.filename)), checkpoint='auto')
    second = how.get('second_student')
    (name, arguments), = (second or dict(teacher={})).items()
    _check_taps(method, losses, {'student': configs.student, name: configs.teacher})
    if not second:
        return dict(losses=losses, teachers=dict(teacher=teacher))
    students = configs.student.model.students.to_dict()
    students[name] = dict(config=teacher['config'], **arguments)
    return dict(losses=losses, teachers=None, students=students)


def _losses(pair: Pair, configs: PairConfigs, method: str, how: Config, preset: Mapping
            ) -> dict[str, dict]:
    """The losses of a method with the arguments that the pair offers."""
    offered, losses = offers(configs), {}
    declared = {key: how.get(key, {}) for key in ('takes', 'takes_if_offered', 'segmentation',
                                                  'two_classes')}
    for key, said in {**declared, 'preset': preset.get('losses', {})}.items():
        unknown = [name for name in said if name not in how.losses]
        if unknown:
            raise ValueError(f"{how.filename}: {key} has {unknown}, but the losses are "
                             f'{list(how.losses)}')
    holds = dict(segmentation=not classifies(configs.student),
                 two_classes=offered['num_classes'] == 2)
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
        losses[name] = {**loss.to_dict(), **taken}
        for key in (key for key, true in holds.items() if true and name in declared[key]):
            if declared[key][name] is None:
                raise ValueError(f"method '{method}' does not work for {key.replace('_', ' ')}, as "
                                 f"the pair '{pair}' is: see docs/methods.md, and choose another")
            losses[name].update(declared[key][name])
        losses[name].update(preset.get('losses', {}).get(name, {}))
    return losses


def _check_taps(method: str, losses: Mapping[str, dict], branches: Mapping[str, Config]) -> None:
    """Refuses a method that names a tap which a branch of the pair does not have.

    Taps that a loss has by default are checked when the model is built.
    """
    named = [keys for loss in losses.values()
             for keys in (loss.get('student', ()), loss.get('teacher', ()))]
    for text in (key for keys in named for key in ((keys,) if isinstance(keys, str) else keys)):
        key = TapKey.parse(text)
        if key.branch not in branches:
            raise ValueError(f"method '{method}' takes the tap '{key}', but its branches are "
                             f'{", ".join(branches)}')
        config = branches[key.branch]
        taps = next(iter(config.model.students.values())).get('taps') or {}
        if key.tap not in taps:
            raise ValueError(f"method '{method}' takes the tap '{key.tap}', which "
                             f'{config_name(config.filename)}.py of the pair does not offer; its '
                             f'taps are {", ".join(taps) or "none"}')


def _balance_rates(cfg: Config, configs: PairConfigs, how: Config) -> None:
    """Gives a second student its own learning rate under the optimizer of the first.

    ``relative_lr`` beside a network is its rate relative to that of other networks, 1 by default.
    """
    student, teacher = (config.get('relative_lr', 1) for config in configs)
    if 'second_student' in how and student != teacher:
        keys = {f'students.{name}': dict(lr_mult=teacher / student) for name in how.second_student}
        cfg.merge_from_dict(dict(optim_wrapper=dict(paramwise_cfg=dict(custom_keys=keys))))


def _difference(base: dict, changed: dict) -> dict:
    """The entries to merge into ``base`` to obtain ``changed``."""
    found = {}
    for key, value in changed.items():
        if key in base and base[key] == value:
            continue
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        # A dict is merged into one of fewer keys, and takes the place of anything else.
        if isinstance(value, dict) and key in base and not (
                both and base[key].keys() <= value.keys()):
            found[key] = dict(value, _delete_=True)
        else:
            found[key] = _difference(base[key], value) if both else value
    return found
