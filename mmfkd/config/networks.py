"""Networks of several modalities, composed with the modalities of any data set.

A network is a file of ``_base_/networks``: a config, on the rendered streets, whose one base is a
file of ``_base_/pairs``. The modalities of another data set take the place of that base. They are a
file of ``_base_/pairs`` too, or, where there is none, are made of their unimodal configs: data,
schedule and network are those of the last modality's, and the first one's is the teacher.

``presets`` of a network are, name to value, what ``NETWORK-PRESET`` changes.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from .branch_files import resolve_branches
from .files import find_config, spelled
from .imports import join_imports
from .method_files import NETWORKS, chosen_preset, part_file
from .offers import classifies
from .pairs import Modalities, pair_file, read, read_baselines

PAIR_BASE = re.compile(r"(?<=^_base_ = \[)'[./]*/pairs/[\w-]+\.py'(?=\]$)", re.MULTILINE)
# What a network's file may say beside what a baseline has.
ADDED = ('pair', 'baseline', 'custom_imports', 'sync_bn', 'find_unused_parameters',
         'model_wrapper_cfg')


def compose_network(modalities: Modalities, network: str) -> Config:
    """The config of a network on the modalities of a data set; no file has to exist for it.

    It trains like a file ``<network>/<modalities>.py``, and has its name.

    Args:
        modalities: see :class:`Modalities`.
        network: name of a file in ``_base_/networks``, or ``NETWORK-PRESET``.

    Raises:
        FileNotFoundError: the config of a modality, or the network, does not exist.
        ValueError: a baseline does not offer what the network takes; the network predicts from the
            last modality alone and the name says otherwise, or the other way round; it has no such
            preset there; or its base is no file of ``_base_/pairs``.
    """
    file, preset = part_file(network, NETWORKS)
    pair = pair_file(modalities)
    on_pair = _on_pair(file, pair, modalities)
    on_pair.merge_from_dict(chosen_preset(file.stem, on_pair.get('presets', {}), preset))
    # Without the text of the file, which is that of other modalities, and without the names that
    # it gives to its parts: a change of these would change nothing.
    baseline = read(on_pair.get('baseline', modalities.baselines[-1]))
    kept = {*baseline, *ADDED}
    cfg = Config({key: value for key, value in on_pair.to_dict().items() if key in kept},
                 cfg_text=f'# {modalities} by {network}\n', filename=f'{network}/{modalities}.py')
    join_imports(cfg, (baseline, on_pair))
    _check_direction(cfg, modalities, network)
    resolve_branches(cfg, pair or find_config(modalities.baselines[-1]))
    return cfg


def _on_pair(file: Path, pair: Path | None, modalities: Modalities) -> Config:
    """The network's config with other modalities in the place of its base."""
    with TemporaryDirectory() as folder:
        if pair is None:
            pair = Path(folder, 'pair.py')
            pair.write_text(_pair_text(modalities), encoding='utf-8')
        text, bases = PAIR_BASE.subn(lambda _: repr(pair.as_posix()),
                                     file.read_text(encoding='utf-8'))
        if bases != 1:
            raise ValueError(f"{file}: write _base_ = ['../pairs/streets_rgb-ir.py'], or another "
                             'file of _base_/pairs, and no other base: other modalities take its '
                             'place')
        network = Path(folder, 'network.py')
        network.write_text(text, encoding='utf-8')
        try:
            return Config.fromfile(network)
        except AttributeError as error:  # of a name that the text takes from its base
            base = modalities.baselines[-1] if pair.parent == Path(folder) else pair
            raise ValueError(
                f"network '{file.stem}' takes what {base} does not offer ({error}): declare it "
                'there as configs/_base_/models/deeplabv3plus_r18.py does, or choose another '
                'network') from None


def _pair_text(modalities: Modalities) -> str:
    """Text of the file of ``_base_/pairs`` that the unimodal configs amount to.

    Raises:
        FileNotFoundError: one does not exist.
        ValueError: they are of two data sets, classify, or differ in their channels.
    """
    configs = read_baselines(modalities.baselines)
    if any(map(classifies, configs)):
        raise ValueError(f'{modalities}: networks of several modalities segment, and '
                         f'{" or ".join(modalities.baselines)} classifies')
    students = [next(iter(cfg.model.students.values())) for cfg in configs]
    channels = [student.model.backbone.get('in_channels', 3) for student in students]
    if len(set(channels)) > 1 and not modalities.one_way:
        raise ValueError(f'{modalities}: a network of several modalities takes as many channels of '
                         f'each, but those of {" and ".join(modalities.baselines)} are '
                         f"{channels}: load one channel as three equal ones, with channels=3 and "
                         "loader=dict(type='LoadInfrared') in modalities of the data set")
    names = tuple(student.modality for student in students)
    both = dict(modality=names, subsets=tuple((name,) for name in reversed(names)),
                norm={student.modality: student.norm.to_dict() for student in students
                      if student.get('norm')})
    first, last = (spelled(Path(cfg.filename)) for cfg in (configs[0], configs[-1]))
    teacher = dict(config=first, checkpoint='auto')
    return '\n'.join((f'_base_ = [{str(Path(configs[-1].filename).resolve())!r}]',
                      f'pair = {str(modalities)!r}', f'baseline = {last!r}', f'both = {both!r}',
                      f'model = dict(teachers=dict(teacher={teacher!r}))', ''))


def _check_direction(cfg: Config, modalities: Modalities, network: str) -> None:
    one_way = isinstance(next(iter(cfg.model.students.values())).modality, str)
    if one_way != modalities.one_way:
        right = modalities._replace(one_way=one_way)
        takes = f'{modalities.names[-1]} alone' if one_way else 'all its modalities'
        raise ValueError(f"network '{network}' predicts from {takes}: write {network}/{right}")
