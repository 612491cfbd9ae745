"""The sound of a video on the time of its pictures."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av
import numpy as np

# Seconds by which sound may be off; codecs begin and end with a little more or less.
TOLERANCE = Fraction(1, 10)
LONGEST_PAUSE = 60  # seconds; longer ones are damaged time stamps, and would fill the disk


def sound_on_time(frames: Iterable[Any], rate: int, start: Fraction | None) -> np.ndarray:
    """Sound as a wave whose sample i is heard at i / ``rate`` seconds.

    Where sound begins late or pauses there are zeros; what lies before the start is left out.

    Args:
        frames: of the sound, with their time stamps in seconds times ``time_base``; one without a
            stamp follows the last.
        rate: of the result, in Hz.
        start: time of the first picture in seconds; None counts from the first sound.

    Returns:
        int16 (S,), mono.

    Raises:
        ValueError: the sound changes its format, or jumps over more than a minute.
    """
    pieces: list[np.ndarray] = []
    resampler = av.AudioResampler('s16', 'mono', rate)
    end: Fraction | None = None  # time that the next frame should have
    early = 0
    for frame in frames:
        at = None if frame.pts is None else frame.pts * frame.time_base
        if end is None:
            end = at if start is None else start
            if at is not None and end is not None and end - at > TOLERANCE:
                early, end = _samples(at, end, rate), at
        if at is not None and end is not None and at - end > TOLERANCE:
            pieces += _converted(resampler, None)
            resampler = av.AudioResampler('s16', 'mono', rate)
            pieces.append(np.zeros(_samples(end, at, rate), np.int16))
            end = at
        pieces += _converted(resampler, frame)
        end = None if end is None else end + Fraction(frame.samples, frame.sample_rate)
    pieces += _converted(resampler, None)
    return np.concatenate([np.zeros(0, np.int16), *pieces])[early:]


def _converted(resampler: av.AudioResampler, frame: Any) -> list[np.ndarray]:
    """What a resampler gives for a frame, or, with None, what it still holds."""
    # It hands None on where it has nothing to convert.
    return [piece.to_ndarray()[0] for piece in resampler.resample(frame) if piece is not None]


def _samples(begin: Fraction, end: Fraction, rate: int) -> int:
    """Number of samples between two times in seconds."""
    if end - begin > LONGEST_PAUSE:
        raise ValueError(f'its sound jumps over {float(end - begin):.0f} s')
    return round((end - begin) * rate)
