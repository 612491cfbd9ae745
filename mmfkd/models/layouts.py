"""Layouts of tapped tensors: what their axes are, and how losses are given them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

_PATTERN = re.compile(r'(?:(?P<skip>\d+)\+)?(?P<axes>NCHW|NHWC|NCL|NLC|NPC)'
                      r'(?:(?P<rows>\d+)x(?P<columns>\d+))?')
GRAMMAR = ('NCHW (a map), NHWC (a map with its channels last), NPC (patches of an image, row by '
           'row; NPC12x101 states their grid), NLC (a sequence, such as the tokens of a text), NCL '
           '(a sequence with its channels first); 1+ in front of NPC or NLC leaves out as many '
           'tokens at the start, such as a class token')
# Largest ratio of the shapes of an image and of the grid of its patches.
DISTORTION = 1.25


class Layout(NamedTuple):
    """The axes of a tensor.

    Attributes:
        axes: 'NCHW', 'NHWC', 'NCL', 'NLC' or 'NPC'.
        skip: tokens at the start that are left out.
        grid: rows and columns of patches; None infers them from the shape of the image.
    """

    axes: str
    skip: int = 0
    grid: tuple[int, int] | None = None

    @property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.axes)


def parse_layout(tap: str, text: str) -> Layout:
    """Reads a layout such as 'NHWC' or '1+NPC'.

    Raises:
        ValueError: there is no such layout; the message shows all.
    """
    match = _PATTERN.fullmatch(text)
    layout = match and Layout(match['axes'], int(match['skip'] or 0), None if match['rows'] is None
                              else (int(match['rows']), int(match['columns'])))
    if (not layout or (layout.grid and layout.axes != 'NPC')
            or (layout.skip and layout.axes not in ('NLC', 'NPC'))):
        raise ValueError(f"tap '{tap}': '{text}' is no layout. There are {GRAMMAR}.")
    return layout


def channels_first(tap: str, x: Tensor, layout: Layout | None, size: Sequence[int]) -> Tensor:
    """A tapped tensor as losses are given it: (N, C), or a map (N, C, H, W).

    A sequence becomes a column (N, C, L, 1).

    Args:
        tap: its name, for messages.
        x: what was recorded.
        layout: its axes; None is the usual one, a map with its channels first or a vector.
        size: height and width of the network's input; empty where that is no image.

    Raises:
        ValueError: the layout does not fit the tensor, or none is stated where there are several.
    """
    if layout is None:
        check_usual(tap, x, size)
        return x
    if x.ndim != layout.dimensions:
        raise ValueError(f"tap '{tap}' records {tuple(x.shape)}, which is not {layout.axes}: "
                         'change its layout, the text after the colon')
    if layout.axes == 'NCHW':
        return x
    if layout.axes == 'NHWC':
        return x.movedim(-1, 1)
    if layout.axes == 'NCL':
        return x.unsqueeze(-1)
    tokens = x[:, layout.skip:].transpose(1, 2)
    if layout.axes == 'NLC':
        return tokens.unsqueeze(-1)
    return tokens.unflatten(2, layout.grid or grid_of(tap, tuple(x.shape), layout.skip, size))


def check_usual(tap: str, x: Tensor, size: Sequence[int]) -> None:
    """Refuses a tensor without a layout whose axes are not those of a map or a vector.

    Raises:
        ValueError: says what the tensor is likely to be.
    """
    if x.ndim == 3:
        raise ValueError(f"tap '{tap}' records {tuple(x.shape)}, which may have its channels in "
                         'the middle or at the end: state its layout after its place, as '
                         f"'place:{guess(x.shape, size) or 'NLC'}'. There are {GRAMMAR}.")
    if x.ndim == 4 and guess(x.shape, size) == 'NHWC':
        raise ValueError(f"tap '{tap}' records {tuple(x.shape)} of an input of "
                         f'{size[0]}x{size[1]}, so that its channels are the last axis: state its '
                         "layout after its place, as 'place:NHWC'; or 'place:NCHW', if they are "
                         'not')


def guess(shape: Sequence[int], size: Sequence[int]) -> str | None:
    """The layout that a shape suggests; None where it says nothing.

    Args:
        shape: of the tensor, batch first.
        size: height and width of the network's input; empty where that is no image.
    """
    if len(shape) == 4 and len(size) == 2:
        usual, last = (_similar(*part, *size) for part in (shape[2:], shape[1:3]))
        return 'NHWC' if last and not usual else 'NCHW' if usual else None
    if len(shape) != 3:
        return None
    if len(size) == 2:
        ratio = size[0] / size[1]
        grids = {skip: best_grid(shape[1] - skip, size) for skip in range(6)}  # or registers
        fitting = {skip: _distortion(grid, ratio) for skip, grid in grids.items() if grid}
        if fitting:
            skip = min(fitting, key=lambda one: fitting[one])
            return f'{skip}+NPC' if skip else 'NPC'
    return 'NLC'


def _similar(rows: int, columns: int, height: int, width: int) -> bool:
    """Whether a map has the shape of an image, up to a pixel of rounding."""
    return abs(rows * width - columns * height) <= max(height, width)


def best_grid(count: int, size: Sequence[int]) -> tuple[int, int] | None:
    """Rows and columns of so many patches, in the shape of the image; None if there are none."""
    if count < 1:
        return None
    ratio = size[0] / size[1]
    grids = [(rows, count // rows) for rows in range(1, count + 1) if count % rows == 0]
    best = min(grids, key=lambda grid: _distortion(grid, ratio))
    return best if _distortion(best, ratio) <= DISTORTION else None


def _distortion(grid: tuple[int, int], ratio: float) -> float:
    own = grid[0] / grid[1]
    return max(own / ratio, ratio / own)


def grid_of(tap: str, shape: Sequence[int], skip: int, size: Sequence[int]) -> tuple[int, int]:
    """The grid of the patches that a tap records.

    Raises:
        ValueError: they are no grid of the image.
    """
    count = shape[1] - skip
    grid = best_grid(count, size) if len(size) == 2 else None
    if grid is None:
        image = f'an image of {size[0]}x{size[1]}' if len(size) == 2 else 'what is no image'
        raise ValueError(f"tap '{tap}' records {tuple(shape)}: {count} patches are no grid of "
                         f"{image}. State the grid, as ':NPC12x101', or how many tokens at the "
                         "start are none of them, as ':1+NPC'")
    return grid
