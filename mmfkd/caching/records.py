"""Tensors of one shape in a file, found by their numbers."""

import zlib
from collections.abc import Iterable
from io import FileIO
from math import prod
from pathlib import Path

import torch
from torch import Tensor

WRITTEN = 0x6D66_6B64
TRAILER = 8  # checksum and mark


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

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return self._bytes + TRAILER

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
        """Reads a record into ``out``; False if it is missing or damaged.

        Raises:
            OSError: the file is there, and cannot be read.
        """
        if self._reader is None:
            if not self.path.exists():
                return False
            self._reader = FileIO(self.path, 'rb')
        content, trailer = _bytes_of(out), memoryview(bytearray(TRAILER))
        self._reader.seek(number * self.size)
        for part in (content, trailer):
            while part:
                found = self._reader.readinto(part)
                if not found:
                    return False
                part = part[found:]
        return trailer == _trailer(content)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those that are not there, or damaged."""
        out = torch.empty(self.shape, dtype=self.dtype)
        return [number for number in numbers if not self.read(number, out)]


def _bytes_of(value: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU."""
    return value.view(-1).view(torch.uint8).numpy().data


def _trailer(content: memoryview) -> bytes:
    return zlib.crc32(content).to_bytes(4, 'little') + WRITTEN.to_bytes(4, 'little')
