"""Rendered talking heads, sound and picture, for tests and download-free training.

A clip has one of CREMA-D's six emotions, which is one of three contours and one of two arousals.
How strongly a speaker expresses either is drawn around its emotion, and is the same in voice and
face: so the face says more about a voice than the label does, and what it teaches is worth more.

* The face shows both: it tilts its brows with the contour and opens its mouth with the arousal.
* The voice follows the contour (level, falling, rising), less exactly; arousal brightens its
  timbre, much of it under noise.

Even an ideal observer errs: about 0.66 is within reach of the face and 0.62 of the voice.
"""

from collections.abc import Sequence

import numpy as np

CLASSES = ('NEU', 'HAP', 'SAD', 'FEA', 'DIS', 'ANG')  # two neighbours share the contour
RATE = 16000  # samples a second
FRAMES = 3
# Standard deviations of cues whose levels are 1 apart: of what is expressed, and of what voice and
# face add to it.
EXPRESSED, EXACT, ROUGH, FAINT = 0.5, 0.05, 0.15, 0.3
# Level, falling and rising voice; level brows, with the inner ends up, and down.
CONTOURS = (0.0, -1.0, 1.0)
STEP = 32  # samples that share pitch and loudness
PERIOD = 1024  # points in the table of one period, a power of two
# The harmonics of a voice, one period each: (12, PERIOD).
HARMONICS = np.sin(np.outer(np.arange(1, 13), np.arange(PERIOD)) * (2 * np.pi / PERIOD))


def render_clip(seed: int, label: int, size: Sequence[int] = (64, 64)) -> dict:
    """Renders the clip that ``seed`` decides, with the emotion ``label``.

    Args:
        seed: Decides everything but the emotion.
        label: Index in `CLASSES`.
        size: Height and width of a frame in pixels.

    Returns:
        ``audio``: float32 (S,) in -1..1 at 16 kHz, 1 to 3 seconds. ``visual``: list of three uint8
        (H, W, 3), BGR.

    Raises:
        ValueError: If ``label`` is no class.
    """
    check_label(label, len(CLASSES))
    rng = np.random.default_rng(seed)
    contour = rng.normal(CONTOURS[label // 2], EXPRESSED)
    arousal = rng.normal(label % 2 - 0.5, EXPRESSED)
    return dict(audio=_speak(rng, rng.normal(contour, ROUGH), rng.normal(arousal, FAINT)),
                visual=_film(rng, rng.normal(contour, EXACT), rng.normal(arousal, EXACT), size))


def check_label(label: int, classes: int) -> None:
    """ValueError where ``label`` is not an index of ``classes`` classes."""
    if not 0 <= label < classes:
        raise ValueError(f'label={label} is no class: choose 0 to {classes - 1}')


def _speak(rng: np.random.Generator, contour: float, arousal: float) -> np.ndarray:
    """Voice (S,): syllables of a gliding pitch, with ``arousal`` in the high harmonics."""
    steps = int(rng.uniform(1, 3) * RATE / STEP)
    time = np.arange(steps, dtype=np.float32) * (STEP / RATE)
    # A glide leaves the mean pitch alone: that is the speaker's.
    semitones = 8 * contour * (time / time[-1] - 0.5)
    semitones += rng.uniform(0, 0.7) * np.sin(rng.uniform(6, 20) * time + rng.uniform(0, 7))
    pitch = 100 * 2.6**rng.uniform(0, 1) * np.exp2(semitones / 12)
    loudness = 0.1 + np.sin(np.pi * rng.uniform(3, 6) * time + rng.uniform(0, 3))**2

    order = np.arange(1, 13)
    vowel = np.exp(-((order - rng.uniform(2, 9, (2, 1))) / rng.uniform(1, 3, (2, 1)))**2 / 2).sum(0)
    timbre = order**(0.8 * arousal - 1.2) * (0.6 + vowel)
    period = (timbre @ HARMONICS).astype(np.float32)
    phase = np.cumsum(np.repeat(pitch * (PERIOD / RATE), STEP), dtype=np.float64)
    wave = period[phase.astype(np.int64) & (PERIOD - 1)] * np.repeat(loudness, STEP)

    noise = rng.standard_normal(wave.size, np.float32)
    noise *= 0.08 * 6**rng.uniform(0, 1) * wave.std()
    wave += noise
    wave *= rng.uniform(0.1, 0.95) / np.abs(wave).max()
    return wave


def _film(rng: np.random.Generator, contour: float, arousal: float,
          size: Sequence[int]) -> list[np.ndarray]:
    """Frames of a face with ``contour`` in the brows and ``arousal`` in the mouth."""
    y, x = grid(size)
    image = backdrop(rng, y, x)
    for _ in range(2):
        dab(image, ellipse(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1),
                           rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5)), rng.random(3))
    image = np.repeat(image[:, None], FRAMES, 1)

    # Coordinates of the face, v down and u out from its middle: it sways from frame to frame.
    sway = rng.normal(0, 0.02, (2, FRAMES, 1, 1)) + rng.uniform(-0.08, 0.08, (2, 1, 1, 1))
    sway, roll, scale = sway.astype(np.float32), rng.normal(0, 0.04), rng.uniform(0.8, 0.95)
    y, x = (y - sway[0]) / scale, (x - sway[1]) / scale
    v, u = y - roll * x, np.abs(x + roll * y)

    skin = rng.uniform(0.35, 0.9) * np.array((0.65, 0.8, 1)) + rng.normal(0, 0.05, 3)
    dab(image, ellipse(v, u, 1, rng.uniform(0.7, 0.85)), skin)
    dab(image, ellipse(v + 0.2, u - 0.33, rng.uniform(0.05, 0.1), 0.12), rng.uniform(0, 0.25, 3))
    dab(image, ellipse(v - 0.12, u, 0.15, 0.06), 0.85 * skin)
    brow = v + rng.uniform(0.44, 0.5) + 0.7 * contour * (u - 0.33)
    dab(image, ellipse(brow, u - 0.33, 0.09, 0.26), rng.uniform(0.1, 0.35) * skin)
    mouth = (0.18 + 0.2 * arousal) * rng.uniform(0.9, 1.1, (FRAMES, 1, 1))
    dab(image, ellipse(v - rng.uniform(0.45, 0.55), u, np.maximum(mouth, 0.03).astype(np.float32),
                       rng.uniform(0.28, 0.36)), rng.uniform(0, 0.2, 3) + (0, 0, 0.15))
    return list(expose(rng, image))


def grid(size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (H, 1) and columns (1, W) of an image, its shorter side from -1 to 1."""
    half = min(size) / 2
    y, x = ((np.arange(n, dtype=np.float32) + 0.5 - n / 2) / np.float32(half) for n in size)
    return y[:, None], x[None]


def ellipse(y: np.ndarray, x: np.ndarray, height: float | np.ndarray,
            width: float | np.ndarray) -> np.ndarray:
    """Share 0..1 of every pixel inside the ellipse of these radii around the origin."""
    return (3 - 3 * ((y / height)**2 + (x / width)**2)).clip(0, 1)


def dab(image: np.ndarray, share: np.ndarray, color: Sequence[float] | np.ndarray) -> None:
    """Paints ``color`` (3,) over ``image`` (3, ..., H, W), in place, where ``share`` is not 0."""
    for plane, value in zip(image, color, strict=True):
        plane += share * (np.float32(value) - plane)


def backdrop(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Background (3, H, W): two colours that mix in waves of any direction and length."""
    first, second = rng.random((2, 3, 1, 1), np.float32)
    (a, b), (c, d) = rng.uniform(-6, 6, (2, 2)).astype(np.float32)
    waves = np.sin(a * y + b * x + rng.uniform(0, 7)) + np.sin(c * y + d * x + rng.uniform(0, 7))
    return first + (0.5 + 0.25 * waves) * (second - first)


def expose(rng: np.random.Generator, radiance: np.ndarray) -> np.ndarray:
    """uint8 (..., H, W, 3) of ``radiance`` (3, ..., H, W), with slanted light, cast and noise."""
    y, x = grid(radiance.shape[-2:])
    light = 1 + rng.uniform(-0.25, 0.25) * y + rng.uniform(-0.25, 0.25) * x
    image = rng.standard_normal(radiance.shape, np.float32)
    image *= rng.uniform(5, 18)
    exposure = rng.uniform(150, 255)
    for plane, source in zip(image, radiance, strict=True):
        plane += exposure * rng.uniform(0.85, 1.15) * light * source
    return np.moveaxis(image.clip(0, 255).astype(np.uint8), 0, -1).copy()
