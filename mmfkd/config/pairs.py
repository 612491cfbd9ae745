"""Pairs of modalities: who teaches whom on which data.

A pair ``DATASET_A2B`` is two unimodal configs of one data set: ``unimodal/DATASET_B``, the
student's baseline, and ``unimodal/DATASET_A``, the teacher.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from .files import PACKAGED, find_config, packaged_names


class Pair(NamedTuple):
    """Who teaches whom.

    Attributes:
        dataset: name of the data set in the names of its configs.
        teacher: modality of the teacher.
        student: modality of the student.
    """

    dataset: str
    teacher: str
    student: str

    @classmethod
    def parse(cls, name: str) -> 'Pair':
        """Reads ``DATASET_A2B``; of a name with several 2, as of a sensor s2, where configs exist.

        Raises:
            ValueError: the name has another form.
        """
        dataset, _, direction = name.rpartition('_')
        found = [cls(dataset, direction[:i], direction[i + 1:])
                 for i, letter in enumerate(direction[:-1]) if i and letter == '2']
        if not (dataset and found):
            raise ValueError(f"pair '{name}': write DATASET_A2B, A teaches B, such as "
                             'avdigits_visual2audio')
        return found[0] if len(found) == 1 else next(filter(cls.exists, found), found[0])

    def exists(self) -> bool:
        """Whether both modalities have a config."""
        with suppress(FileNotFoundError):
            find_config(self.teacher_config, find_config(self.student_config))
            return True
        return False

    def __str__(self) -> str:
        return f'{self.dataset}_{self.teacher}2{self.student}'

    @property
    def student_config(self) -> str:
        """Name of the config of the student's baseline."""
        return f'unimodal/{self.dataset}_{self.student}'

    @property
    def teacher_config(self) -> str:
        """Name of the config of the teacher."""
        return f'unimodal/{self.dataset}_{self.teacher}'


class Modalities(NamedTuple):
    """The modalities of a network that takes several, the strong one first.

    Attributes:
        dataset: name of the data set in the names of its configs.
        names: of the modalities; data and schedule are those of the last one's baseline.
        one_way: whether the network learns from the others, and predicts from the last one alone.
    """

    dataset: str
    names: tuple[str, ...]
    one_way: bool = False

    @classmethod
    def parse(cls, name: str) -> 'Modalities':
        """Reads ``DATASET_A-B``, of two modalities or more, or ``DATASET_A2B``.

        Raises:
            ValueError: the name has another form.
        """
        dataset, _, rest = name.rpartition('_')
        names = tuple(rest.split('-'))
        if len(names) == 1:
            try:
                pair = Pair.parse(name)
            except ValueError:
                names = ()
            else:
                return cls(pair.dataset, (pair.teacher, pair.student), one_way=True)
        if not dataset or not all(names) or len(set(names)) < max(2, len(names)):
            raise ValueError(f"modalities '{name}': write DATASET_A-B, such as msrs_rgb-ir, or "
                             'DATASET_A2B for a network that predicts from B alone')
        return cls(dataset, names)

    def __str__(self) -> str:
        return f'{self.dataset}_{("2" if self.one_way else "-").join(self.names)}'

    @property
    def pair_config(self) -> str:
        """Name of the file of these modalities, which need not exist."""
        return f'_base_/pairs/{self.dataset}_{"-".join(self.names)}'

    @property
    def baselines(self) -> list[str]:
        """Names of the unimodal configs, in the order of the modalities."""
        return [f'unimodal/{self.dataset}_{name}' for name in self.names]


def pair_file(modalities: Modalities) -> Path | None:
    """The file of the modalities, if there is one.

    Raises:
        ValueError: there is one for the same modalities in another order.
    """
    for names in permutations(modalities.names):
        with suppress(FileNotFoundError):
            found = find_config(modalities._replace(names=names).pair_config).resolve()
            if names != modalities.names:
                raise ValueError(f'{modalities}: its file {found} has {"-".join(names)}, the '
                                 'strong modality first: write them in that order, or a file '
                                 f'{modalities.pair_config}.py for this one')
            return found
    return None


def pairs() -> list[Pair]:
    """The pairs of the package: two modalities, in either direction, of one data set."""
    baselines: dict[tuple[str, str], list[str]] = {}
    for name in packaged_names():
        folder, stem = name.split('/')
        if folder == 'unimodal':
            dataset, _, modality = stem.rpartition('_')
            # Several rendered data sets share a name.
            kind = read(PACKAGED + name).train_dataloader.dataset.type
            baselines.setdefault((dataset, kind), []).append(modality)
    return [Pair(dataset, teacher, student) for (dataset, _), modalities in baselines.items()
            for teacher in modalities for student in modalities if teacher != student]


class PairConfigs(NamedTuple):
    """The two unimodal configs of a pair, not to be changed.

    Attributes:
        student: of the student's baseline.
        teacher: of the teacher.
    """

    student: Config
    teacher: Config

    @classmethod
    def find(cls, pair: Pair) -> 'PairConfigs':
        """Finds and reads both; the teacher's is looked for from where the student's lies.

        Raises:
            FileNotFoundError: one does not exist.
            ValueError: they are of one modality, or of two data sets.
        """
        student, teacher = read_baselines([pair.teacher_config, pair.student_config])[::-1]
        return cls(student, teacher)


def read_baselines(names: Sequence[str]) -> list[Config]:
    """The unimodal configs of one data set, not to be changed.

    Args:
        names: of the configs; the others are looked for from where the last one lies.

    Raises:
        FileNotFoundError: one does not exist.
        ValueError: one is no config of a distiller, two are of one modality, or they are of two
            data sets.
    """
    last = find_config(names[-1])
    configs = [read(find_config(name, last)) for name in names]
    found: dict[str, str] = {}
    for name, cfg in zip(names, configs, strict=True):
        students = (cfg.get('model') or {}).get('students')
        if not students:
            raise ValueError(f'{name} has no model.students: a pair is made of configs like those '
                             'of configs/unimodal')
        modality = next(iter(students.values())).get('modality', name)
        if modality in found:
            raise ValueError(f"{found[modality]} and {name} are both of the modality '{modality}': "
                             'set model.students.student.modality of one of them')
        found[modality] = name
    kinds = [cfg.train_dataloader.dataset.type for cfg in configs]
    if len(set(kinds)) > 1:
        raise ValueError(f'{" and ".join(names)} are no modalities of one data set: they have '
                         f'{" and ".join(kinds)}')
    return configs


def read(name: str | Path) -> Config:
    """A config, parsed once: a table asks for the same ones again and again. Not to be changed.

    Args:
        name: see :func:`find_config`.
    """
    return _parsed(str(find_config(name).resolve()))


@cache
def _parsed(path: str) -> Config:
    return Config.fromfile(path)
