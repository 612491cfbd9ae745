"""Loss and gradient of MSE and logMSE over the difference of two values (FDKD, Figure 4)."""

from typing import NamedTuple

import numpy as np


class Shape(NamedTuple):
    """A loss over an axis.

    Attributes:
        loss: of one value, without the 1 / ND of the equations.
        gradient: its derivative in the student's value.
    """

    loss: np.ndarray
    gradient: np.ndarray


def mse_shape(difference: np.ndarray) -> Shape:
    """``d²`` (eq. 4) and ``2 d``.

    Args:
        difference: student's value minus teacher's.
    """
    difference = np.asarray(difference, np.float64)
    return Shape(difference ** 2, 2 * difference)


def log_mse_shape(difference: np.ndarray, teacher: float = 0.0) -> Shape:
    """``(σ(s) - σ(t))²`` with ``σ(x) = sign(x) log(1 + |x|)`` (eq. 5-6), and its derivative in s.

    Unlike that of MSE it depends on both values and not on their difference alone. A difference
    from a teacher's 0, the default, is what the axis of the figure is read as here.

    Args:
        difference: student's value s minus teacher's t.
        teacher: t.
    """
    student = teacher + np.asarray(difference, np.float64)
    distance = _compress(student) - _compress(np.float64(teacher))
    return Shape(distance ** 2, 2 * distance / (1 + np.abs(student)))


def _compress(x: np.ndarray | np.floating) -> np.ndarray:
    return np.sign(x) * np.log1p(np.abs(x))
