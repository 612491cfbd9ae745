"""The outputs of a teacher for the views of a data set, kept on disk."""

import errno
import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import Tensor

from .descriptions import DTYPES, Description, one_shape
from .records import RecordFile, UnreadableError
from .units import counted, spelled_bytes

GIB = 2 ** 30


class TeacherOutputs:
    """What taps of a teacher record, by sample and view.

    A tap has a file ``<tap>.bin`` of records, and a ``<tap>.json`` that says their shape and type,
    and the one shape of the inputs that they are of, see :class:`Description`. Runs that name
    other taps of the same teacher share what they have in common.

    Args:
        folder: of this teacher on these data; made where it is missing.
        samples: number of samples.
        views: number of views.
        dtype: 'float16', 'bfloat16' or 'float32', in which tensors are kept.
        limit: GiB that may be written in all.
        reserve: bytes that are left free on the disk, as for checkpoints.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, samples: int, views: int, dtype: str = 'float16',
                 limit: float = 100.0, reserve: int = 0) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f'{folder} cannot be made ({error.strerror}): name another folder with '
                          'cache.folder of the teacher') from error
        self.folder = folder
        self.samples = samples
        self.views = views
        self.dtype = DTYPES[dtype]
        self.limit = limit
        self.reserve = reserve
        self.full = False
        self._estimated = False
        self._files: dict[str, RecordFile] = {}
        self._inputs: dict[str, dict[str, tuple[int, ...]]] = {}

    def load(self, taps: Collection[str], places: Sequence[tuple[int, int]],
             inputs: Mapping[str, Sequence[int]]) -> dict[str, Tensor] | None:
        """Tensors (N, ...) of N samples and views; None if one of them is missing.

        Args:
            taps: names.
            places: sample and view of each.
            inputs: modality to the shape of a sample, of those that were read.

        Raises:
            ValueError: what is kept is of inputs of another shape.
            UnreadableError: it cannot be read.
        """
        loaded = {}
        for tap in taps:
            file = self._opened(tap, inputs)
            if file is None:
                return None
            out = torch.empty((len(places), *file.shape), dtype=file.dtype)
            if not all(file.read(self._number(place), row)
                       for place, row in zip(places, out, strict=True)):
                return None
            loaded[tap] = out
        return loaded

    def store(self, feats: Mapping[str, Tensor], places: Sequence[tuple[int, int]],
              inputs: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
        """Keeps tensors (N, ...), and returns them as they will be loaded.

        What is there already stays as it is, as another run may be reading it. A disk that is
        full, but for the reserve, ends the writing, and is said once.

        Args:
            feats: tap to tensor.
            places: sample and view of each row.
            inputs: modality to the shape that a sample has, of all that the teacher takes.

        Raises:
            ValueError: a tensor that has no row for each sample, has another shape than those of
                other samples, as inputs may have, or does not fit into the type; or all would be
                more than the limit.
            UnreadableError: what is there cannot be read.
        """
        rounded = {tap: self._rounded(tap, feat, len(places)) for tap, feat in feats.items()}
        if self.full:
            return rounded
        kept = {tap: feat.cpu().contiguous() for tap, feat in rounded.items()}
        try:
            self._prepare(kept, inputs)
            self._check_room(kept)
            for tap, feat in kept.items():
                self._write(self._files[tap], feat, places)
        except UnreadableError:
            raise
        except OSError as error:
            self.full = True
            print_log(f'outputs of the teacher are no longer kept in {self.folder} '
                      f'({error.strerror}): training goes on, and runs the teacher where they are '
                      'missing', logger='current', level=logging.WARNING)
        return kept

    def missing(self, taps: Collection[str], view: int) -> list[int]:
        """Samples of which a tap is missing, or damaged, in a view."""
        lacking: set[int] = set()
        for tap in taps:
            file = self._opened(tap)
            if file is None:
                return list(range(self.samples))
            first = view * self.samples
            lacking.update(number - first for number in file.missing(
                range(first, first + self.samples)))
        return sorted(lacking)

    def _number(self, place: tuple[int, int]) -> int:
        sample, view = place
        return view * self.samples + sample

    def _write(self, file: RecordFile, feat: Tensor, places: Sequence[tuple[int, int]]) -> None:
        """Writes the rows that are missing, and takes the others from the file."""
        found = torch.empty(file.shape, dtype=file.dtype)
        for place, row in zip(places, feat, strict=True):
            if file.read(self._number(place), found):
                row.copy_(found)
            else:
                file.write(self._number(place), row)

    def _prepare(self, feats: Mapping[str, Tensor], inputs: Mapping[str, Sequence[int]]) -> None:
        """Opens the files; at the first write of a run says what will be written in all."""
        for tap, feat in feats.items():
            file = self._opened(tap, inputs) or self._create(tap, feat, inputs)
            if file.shape != tuple(feat.shape[1:]):
                raise ValueError(
                    f"tap '{tap}' of the teacher is {tuple(feat.shape[1:])} here and {file.shape} "
                    f'in {self.folder}: outputs can be kept where a tap has one shape. Delete the '
                    'folder if it is damaged, or leave the cache of the teacher out')
        if not self._estimated:
            self._estimate(feats)
            self._estimated = True

    def _check_room(self, feats: Mapping[str, Tensor]) -> None:
        """Before a write, so that a training still finds room for its checkpoints.

        Raises:
            OSError: the write would go into the reserve.
        """
        free = shutil.disk_usage(self.folder).free
        if free - sum(feat.nbytes for feat in feats.values()) < self.reserve:
            raise OSError(errno.ENOSPC, f'{spelled_bytes(free)} are free, and '
                          f'{spelled_bytes(self.reserve)} are left for checkpoints')

    def _create(self, tap: str, feat: Tensor, inputs: Mapping[str, Sequence[int]]) -> RecordFile:
        described = Description(tuple(feat.shape[1:]), feat.dtype, one_shape([inputs]))
        described.write(self.folder / f'{tap}.json')
        return self._file(tap, described)

    def _estimate(self, own: Collection[str]) -> None:
        """Says how large all will be, with what other runs keep of this teacher, and if it fits.

        Args:
            own: taps that this run keeps.

        Raises:
            ValueError: it is more than the limit.
        """
        taps = sorted(path.stem for path in self.folder.glob('*.json'))
        view = sum(file.size for tap in taps if (file := self._opened(tap))) * self.samples
        total, free = view * self.views, shutil.disk_usage(self.folder).free
        print_log(f'outputs of the teacher ({", ".join(taps)}): {spelled_bytes(view)} a view, '
                  f'{spelled_bytes(total)} for {counted(self.views, "view")}, in {self.folder}; '
                  f'{spelled_bytes(free)} are free', logger='current')
        if total > self.limit * GIB:
            raise ValueError(f'the outputs of the teacher would take {spelled_bytes(total)}, more '
                             f'than cache.limit={self.limit}: take fewer cache.views, '
                             "cache.dtype='float16', losses on smaller maps, or raise the limit")
        left = sum(self._files[tap].size * self.samples * self.views - self._files[tap].written
                   for tap in own)
        if left > free - self.reserve:
            print_log(f'{self.folder}: {spelled_bytes(left)} are still to be written, and '
                      f'{spelled_bytes(free)} are free, of which {spelled_bytes(self.reserve)} are '
                      'left for checkpoints. What does not fit is not kept, and the teacher runs '
                      "for it. Make room, take fewer cache.views, cache.dtype='float16' or losses "
                      'on smaller maps, or name a cache.folder on another disk',
                      logger='current', level=logging.WARNING)

    def _opened(self, tap: str, inputs: Mapping[str, Sequence[int]] | None = None
                ) -> RecordFile | None:
        """The records of a tap; None where there are none, or what is said of them is damaged.

        Raises:
            ValueError: they are of inputs of another shape.
        """
        if tap not in self._files:
            described = Description.read(self.folder / f'{tap}.json')
            if described is None:
                return None  # it is written anew
            self._file(tap, described)
        one_shape([self._inputs[tap], inputs or {}])
        return self._files[tap]

    def _file(self, tap: str, described: Description) -> RecordFile:
        self._inputs[tap] = described.inputs
        self._files[tap] = RecordFile(self.folder / f'{tap}.bin', described.shape, described.dtype)
        return self._files[tap]

    def _rounded(self, tap: str, feat: Tensor, count: int) -> Tensor:
        if len(feat) != count:
            raise ValueError(f"tap '{tap}' of the teacher has {len(feat)} rows for {count} samples:"
                             ' what is no tensor of each sample cannot be kept')
        rounded = feat.detach().to(self.dtype)
        if not torch.isfinite(rounded).all() and torch.isfinite(feat).all():
            raise ValueError(f"tap '{tap}' of the teacher has values up to {feat.abs().max():g}, "
                             f'which {self.dtype} does not hold: set '
                             "cache.dtype='bfloat16' or 'float32'")
        return rounded
