"""A student as one program, for PyTorch alone and for ONNX."""

from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.models import Branch

SMALLEST = 33  # pixels of height and width from which a program takes any size: strides are 32
LARGEST = 8192
ANY, ONE = 'any', 'one'  # sizes that a program takes
MISSING = 'ONNX needs {name}: pip install -e .[onnx], or pip install onnx onnxscript onnxruntime'


class RawToLogits(nn.Module):
    """Normalisation and network: raw input, as files hold it, to logits.

    Args:
        branch: of the student.
    """

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, raw: Tensor) -> Tensor:
        """(N, C, H, W) in the units of the modality, or tokens (N, L), to logits."""
        return self.branch({self.branch.modality: raw}, record=False).output


class DensePool(nn.Module):
    """The values of a ``MaxPool2d`` with a stride, by one without, of which some are taken.

    torch.export takes the rounding of a size that a stride divides for a condition on the size, and
    would refuse half of all sizes.

    Args:
        pool: the layer in whose place it stands.
    """

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        pool = self.pool
        dense = F.max_pool2d(x, pool.kernel_size, 1, pool.padding, pool.dilation)
        rows, columns = (pool.stride,) * 2 if isinstance(pool.stride, int) else pool.stride
        return dense[..., ::rows, ::columns]


def with_dense_pools(branch: Branch) -> Branch:
    """A copy in which :class:`DensePool` stands for strided max pooling."""
    copy = deepcopy(branch)
    for parent in list(copy.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MaxPool2d) and not child.ceil_mode:
                setattr(parent, name, DensePool(child))
    return copy


def free_dimensions(raw: Tensor) -> dict[int, Any]:
    """What may vary of images: the number of samples, height and width."""
    height, width = (torch.export.Dim(name, min=min(SMALLEST, size), max=LARGEST)
                     for name, size in (('height', raw.shape[2]), ('width', raw.shape[3])))
    return {0: torch.export.Dim('batch'), 2: height, 3: width}


def write_program(branch: Branch, raw: Tensor, path: Path, free: bool = True) -> str:
    """Writes a ``torch.export`` program; of any size, or of that of ``raw`` where this fails.

    Args:
        branch: of the student.
        raw: an input.
        path: of the file.
        free: whether the network takes other sizes than that of ``raw``.

    Returns:
        'any' size or 'one', that the program takes; empty where there is none. What failed is
        printed with its reason.
    """
    module = RawToLogits(with_dense_pools(branch)).eval()

    def write(varying: dict[int, Any]) -> None:
        done = torch.export.export(module, (raw,), dynamic_shapes=(varying,), strict=False)
        torch.export.save(done, path)

    return written(write, raw, path, free)


def write_onnx(branch: Branch, raw: Tensor, path: Path, free: bool = True) -> str:
    """Writes an ONNX model with the input 'raw' and the output 'logits', likewise.

    Args:
        branch: of the student.
        raw: an input.
        path: of the file.
        free: see :func:`write_program`.

    Returns:
        see :func:`write_program`.

    Raises:
        SystemExit: a package is missing; it is named with its extra.
    """
    for name in ('onnx', 'onnxscript', 'onnxruntime'):
        try:
            import_module(name)
        except ImportError:
            raise SystemExit(MISSING.format(name=name)) from None
    module = RawToLogits(branch).eval()

    def write(varying: dict[int, Any]) -> None:
        torch.onnx.export(module, (raw,), str(path), dynamo=True, external_data=False,
                          dynamic_shapes=(varying,), input_names=['raw'], output_names=['logits'],
                          verbose=False)

    sizes = written(write, raw, path, free)
    # The exporter may fix sizes by itself.
    if sizes == ANY and not all(axis.dim_param for axis in onnx_axes(path)[2:]):
        print(f'{path.name} takes one size alone: its exporter fixed it')
        return ONE
    return sizes


def onnx_axes(path: Path) -> Any:
    """The axes of the input of an ONNX model."""
    return import_module('onnx').load(path).graph.input[0].type.tensor_type.shape.dim


def written(write: Callable[[dict[int, Any]], None], raw: Tensor, path: Path, free: bool) -> str:
    """How a file could be written: with free sizes, or with those of ``raw``; see above."""
    choices = [({0: torch.export.Dim('batch')}, ONE)]
    if free and raw.ndim > 2:
        choices.insert(0, (free_dimensions(raw), ANY))
    for varying, sizes in choices:
        try:
            write(varying)
            return sizes
        except Exception as error:  # exporters have no common base of what they raise
            path.unlink(missing_ok=True)
            reason = f'{type(error).__name__}: {(str(error).strip() or "?").splitlines()[0]}'
            what = 'is left out' if sizes == ONE else 'takes one size alone'
            print(f'{path.name} {what}, its export failed: {reason}')
    return ''
