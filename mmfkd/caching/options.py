"""What a config says of the outputs that are kept."""

from dataclasses import dataclass
from pathlib import Path

from .outputs import DTYPES

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
        if self.views != 'all' and not (isinstance(self.views, int) and self.views > 0):
            raise ValueError(f"cache.views={self.views!r}: give a number from 1, or 'all' for as "
                             'many as there are epochs')

    def count(self, epochs: int) -> int:
        """The number of views in a training of some epochs."""
        return epochs if self.views == 'all' else int(self.views)

    @property
    def root(self) -> Path:
        """The folder."""
        return FOLDER if self.folder == 'auto' else Path(self.folder)
