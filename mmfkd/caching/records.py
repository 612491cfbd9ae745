"""Tensors of one shape in a file, found by their numbers."""

import logging
import zlib
from collections.abc import Iterable
from io import FileIO
from math import prod
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import Tensor

MARK = 0x6D66_6B64.to_bytes(4, 'little')  # of what is written
TRAILER = 8  # checksum and mark


class UnreadableError(OSError):
    """A file of kept outputs is there, and the system does not let it be read.

    Args:
        path: of the file.
        error: what the system says.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f'{path}, of the kept outputs of a teacher, cannot be read '
                         f'({error.strerror}): take the right to read it, delete it, name another '
                         'folder with cache.folder of the teacher, or leave its cache out')


class RecordFile:
    """Tensors of one shape and type, each at a place of its own and with a checksum.

    Record n lies at n times the size of one, so that nothing has to be read to find it, and
    processes write different ones at once. The file has holes where nothing is written. Its mark
    is written after a record: a process that was killed leaves a record that is missing.

    Plain reads and writes are taken rather than a memory map, in which a full disk ends the process
    without a word, and rather than safetensors, whose files cannot grow.

    Args:
        path: of the file; the first write makes it where it is missing.
        shape: of each tensor.
        dtype: of each tensor.
    """

    def __init__(self, path: Path, shape: Iterable[int], dtype: torch.dtype) -> None:
        self.path = path
        self.shape = tuple(shape)
        self.dtype = dtype
        self._bytes = prod(self.shape) * torch.empty(0, dtype=dtype).element_size()
        self._reader: FileIO | None = None
        self._writer: FileIO | None = None
        self._told = False

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return self._bytes + TRAILER

    @property
    def written(self) -> int:
        """Bytes that the file takes on the disk: without its holes, where the system tells."""
        if not self.path.exists():
            return 0
        state = self.path.stat()
        return state.st_blocks * 512 if hasattr(state, 'st_blocks') else state.st_size

    def write(self, number: int, value: Tensor) -> None:
        """Writes a record.

        Args:
            number: of the record, from 0.
            value: of the shape, and of the type.

        Raises:
            OSError: it cannot be written whole, as on a full disk.
        """
        if self._writer is None:
            self.path.touch()
            self._writer = FileIO(self.path, 'r+b')
        content = _bytes_of(value)
        self._writer.seek(number * self.size)
        for part in (content, memoryview(_trailer(content))):
            while part:  # a write without a buffer may take a part of it
                part = part[self._writer.write(part):]

    def read(self, number: int, out: Tensor) -> bool:
        """Reads a record into ``out``; False if it is missing or damaged, which is said once.

        Raises:
            UnreadableError: the file is there, and the system does not let it be read.
        """
        content, trailer = _bytes_of(out), memoryview(bytearray(TRAILER))
        try:
            found = self._fill(number, (content, trailer))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UnreadableError(self.path, error) from error
        whole = found and trailer == _trailer(content)
        if found and not whole and trailer[4:] == MARK and not self._told:
            self._told = True
            print_log(f'{self.path} is damaged, as in record {number}: what does not have its '
                      'checksum is computed anew', logger='current', level=logging.WARNING)
        return whole

    def _fill(self, number: int, parts: Iterable[memoryview]) -> bool:
        """Reads a record into parts of memory; False if the file ends before it does."""
        if self._reader is None:
            self._reader = FileIO(self.path, 'rb')
        self._reader.seek(number * self.size)
        for part in parts:
            while part:
                found = self._reader.readinto(part)
                if not found:
                    return False
                part = part[found:]
        return True

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those that are not there, or damaged."""
        out = torch.empty(self.shape, dtype=self.dtype)
        return [number for number in numbers if not self.read(number, out)]


def _bytes_of(value: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU."""
    return value.view(-1).view(torch.uint8).numpy().data


def _trailer(content: memoryview) -> bytes:
    return zlib.crc32(content).to_bytes(4, 'little') + MARK
