"""The canvas on which streets are painted, and the two cameras that look at it.

Colour, heat and parts have one and the same edges.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

SHIFT = 4  # corners are rounded to 1/16 of a pixel
CIRCLE = np.stack([np.cos(np.arange(10) * np.pi / 5), np.sin(np.arange(10) * np.pi / 5)], 1)


class Spot(NamedTuple):
    """Where a thing stands: x of its middle, row of its foot, width and height, in pixels.

    Its own coordinates are -0.5..0.5 from left to right and 0..1 from foot to top; a negative
    width mirrors it.
    """

    x: float
    row: float
    width: float
    height: float

    def at(self, *points: tuple[float, float]) -> np.ndarray:
        """Points of the thing in pixels, (N, 2)."""
        return (np.array(points) * (self.width, -self.height)) + (self.x, self.row)

    def box(self, left: float, bottom: float, right: float, top: float) -> np.ndarray:
        """Corners of a rectangle."""
        return self.at((left, bottom), (right, bottom), (right, top), (left, top))

    def disc(self, x: float, y: float, diameter: float) -> np.ndarray:
        """Corners of a round of a ``diameter`` in heights."""
        return self.at((x, y)) + CIRCLE * diameter * self.height / 2

    def turned(self, mirrored: bool) -> 'Spot':
        """The same spot, mirrored or not."""
        return self._replace(width=-self.width) if mirrored else self


class Canvas:
    """Maps of a scene.

    Attributes:
        colour: float32 (H, W, 3), BGR albedo in 0..1.
        heat: float32 (H, W), degrees above the air.
        parts: uint8 (H, W), what the pixel shows.
        lights: (x, y, radius, strength) of lamps, in pixels and in daylight.

    Args:
        size: height and width in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.colour = np.zeros((*size, 3), np.float32)
        self.heat = np.zeros(size, np.float32)
        self.parts = np.zeros(size, np.uint8)
        self.lights: list[tuple[float, float, float, float]] = []

    def fill(self, polygons: Sequence, part: int, colour: Sequence[float] | np.ndarray,
             heat: float) -> None:
        """Paints polygons, each (N, 2) in pixels, x first, on all maps."""
        corners = [np.round(np.asarray(polygon) * 2**SHIFT).astype(np.int32)
                   for polygon in polygons]
        for image, value in ((self.colour, [float(c) for c in colour]), (self.heat, float(heat)),
                             (self.parts, int(part))):
            cv2.fillPoly(image, corners, value, shift=SHIFT)


def photograph(rng: np.random.Generator, canvas: Canvas, night: bool) -> np.ndarray:
    """uint8 (H, W, 3) BGR: daylight with soft shadows, or lamps in the dark; noise."""
    size = canvas.parts.shape
    light: np.ndarray
    if night:
        light = np.full(size, rng.uniform(0.003, 0.012), np.float32)
        y, x = np.ogrid[:size[0], :size[1]]
        for left, top, radius, strength in canvas.lights:
            falloff = -0.5 / max(radius, 1) ** 2
            light += strength * (np.exp(falloff * (y - top) ** 2, dtype=np.float32)
                                 * np.exp(falloff * (x - left) ** 2, dtype=np.float32))
    else:
        light = rng.uniform(0.7, 1.1) * (0.75 + 0.25 * _clouds(rng, size))
    image = canvas.colour * light[..., None] * (255 * rng.uniform(0.9, 1.1, 3)).astype(np.float32)
    noise = rng.uniform(8, 14) if night else rng.uniform(4, 9)
    image += noise * rng.standard_normal(image.shape, np.float32)
    return image.clip(0, 255).astype(np.uint8)


def measure(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """uint8 (H, W, 3) of equal channels: soft, with drift and noise, and a random range."""
    size = canvas.parts.shape
    heat = cv2.GaussianBlur(canvas.heat, (3, 3), 0.6) + 2 * _clouds(rng, size)
    image = rng.uniform(85, 115) + rng.uniform(4.5, 6) * heat
    image += rng.uniform(2, 4) * rng.standard_normal(size, np.float32)
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _clouds(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Smooth float32 (H, W) within about 0..1."""
    return cv2.resize(rng.random((6, 6), np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
