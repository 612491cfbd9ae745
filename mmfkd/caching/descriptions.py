"""Descriptions of kept teacher outputs: shape and type of a tap, and the shape of its inputs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mmfkd.whole_files import written_whole

from .records import UnreadableError

DTYPES = dict(float16=torch.float16, bfloat16=torch.bfloat16, float32=torch.float32)


@dataclass(frozen=True)
class Description:
    """``<tap>.json``, beside the records of a tap.

    Attributes:
        shape: of each record.
        dtype: of each record, one of ``DTYPES``.
        inputs: modality to the shape that each sample of it has.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    inputs: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, path: Path) -> 'Description | None':
        """What a file says; None where there is none, or it is damaged.

        Raises:
            UnreadableError: it is there, and the system does not let it be read.
        """
        try:
            said = json.loads(path.read_text())
            return cls(_shape(said['shape']), DTYPES[said['dtype']],
                       {name: _shape(shape) for name, shape in said['inputs'].items()})
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None  # the last three: it is JSON of something else
        except OSError as error:
            raise UnreadableError(path, error) from error

    def write(self, path: Path) -> None:
        """Writes the file; processes that begin together write the same."""
        dtype = str(self.dtype).removeprefix('torch.')
        with written_whole(path, shared=True) as temporary:
            temporary.write_text(json.dumps(dict(shape=self.shape, dtype=dtype,
                                                 inputs=self.inputs)))


def one_shape(inputs: Iterable[Mapping[str, Sequence[int]]]) -> dict[str, tuple[int, ...]]:
    """The shape of each modality, which every sample that has it has to share.

    Images of several sizes are padded to the largest of their batch, so that what a teacher says of
    one depends on those beside it: kept, it would be read beside others.

    Args:
        inputs: modality to shape of each sample, before it is padded.

    Raises:
        ValueError: two samples differ.
    """
    found: dict[str, tuple[int, ...]] = {}
    for shapes in inputs:
        for name, shape in shapes.items():
            if found.setdefault(name, tuple(shape)) != tuple(shape):
                raise ValueError(
                    f"a teacher has a cache, and '{name}' is {found[name]} in one sample and "
                    f'{tuple(shape)} in another: what it says of images that are padded to the '
                    'largest of their batch depends on the batch, and cannot be kept. Resize '
                    '(keep_ratio=False) or crop them to one size in the pipeline of '
                    'train_dataloader.dataset, or leave the cache of the teacher out')
    return found


def _shape(said: Iterable) -> tuple[int, ...]:
    shape = tuple(said)
    if not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError(f'{said} is no shape')
    return shape
