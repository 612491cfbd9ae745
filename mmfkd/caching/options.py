"""Options of the cache of a teacher's outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .descriptions import DTYPES

FOLDER = Path('work_dirs', 'teacher_outputs')


@dataclass(frozen=True)
class CacheOptions:
    """``cache`` of a teacher.

    Attributes:
        folder: in which each teacher has a folder for each data set; 'auto' is
            ``work_dirs/teacher_outputs``, which all runs share.
        views: number of crops and flips of each sample that a training meets, again and again; or
            'all' for as many as there are epochs. The teacher runs in the first epoch of each.
        dtype: 'float16', 'bfloat16' or 'float32', in which tensors are kept, and used.
        seed: of the views. It is no seed of the run, so that the seeds of a table share outputs.
        limit: GiB that the outputs of this teacher may take.

    Raises:
        ValueError: a number or type that is none of these.
    """

    folder: str = 'auto'
    views: int | str = 8
    dtype: str = 'float16'
    seed: int = 0
    limit: float = 100.0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"cache.dtype='{self.dtype}': choose {', '.join(DTYPES)}")
        if self.views != 'all' and not (_whole(self.views) and int(self.views) > 0):
            raise ValueError(f"cache.views={self.views!r}: give a number from 1, or 'all' for as "
                             'many as there are epochs')
        if not _whole(self.seed) or self.seed < 0:
            raise ValueError(f'cache.seed={self.seed!r}: give a whole number from 0')
        if not isinstance(self.limit, (int, float)) or self.limit <= 0:
            raise ValueError(f'cache.limit={self.limit!r}: give a number of GiB above 0')

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> 'CacheOptions':
        """Those of a config.

        Raises:
            ValueError: it says something else.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in said if name not in known]
        if unknown:
            raise ValueError(f'cache of a teacher: {", ".join(unknown)} is none of '
                             f'{", ".join(known)}')
        return cls(**said)

    def count(self, epochs: int) -> int:
        """The number of views in a training of some epochs."""
        return epochs if self.views == 'all' else int(self.views)

    @property
    def root(self) -> Path:
        """The folder."""
        return FOLDER if self.folder == 'auto' else Path(self.folder)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
