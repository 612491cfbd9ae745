"""Sound files of any kind as waves."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from .arrays import NUMPY
from .decoding import TEXTS

# Sizes that a program writes into a header when it does not know the length yet.
UNKNOWN_SIZES = (0, 0xFFFFFFFF)
CURE = 'Copy it again, or take it out of the list.'
# Seconds by which the length that a container states may be beyond that of its last packet.
TOLERANCE = 0.5
LOUDEST = 8.0  # of waves in -1..1 that filters have made louder


def read_wave(path: str | Path, start: float = 0.0, end: float | None = None
              ) -> tuple[np.ndarray, int]:
    """Reads a sound file as mono.

    Args:
        path: a file of any rate, width and number of channels that soundfile reads, or else
            FFmpeg: wav, flac, mp3, ogg, m4a, ...
        start: in seconds.
        end: in seconds; None reads to the end.

    Returns:
        float32 (S,) of a full scale of -1 to 1, the mean of the channels; and its rate in Hz.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that cannot be decoded, is cut short, holds no sound in the range, or
            holds NaN, infinity or numbers of another range; it is named.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path} does not exist') from error
    missing = missing_bytes(content)
    if missing:
        raise ValueError(f'{path} is truncated: {missing} bytes of its sound are missing. {CURE}')
    try:
        try:
            wave, rate = soundfile.read(BytesIO(content), dtype='float32', always_2d=True)
        except soundfile.LibsndfileError as error:
            wave, rate = read_with_ffmpeg(content, error)
    except (RuntimeError, TypeError, ValueError, OSError, av.FFmpegError) as error:
        raise ValueError(f'{path} cannot be decoded ({error}): {what_it_is(path)}') from error
    wave = wave[round(start * rate):None if end is None else round(end * rate)].mean(1)
    if len(wave) == 0:
        raise ValueError(f'{path} holds no sound{f" from {start} to {end} s" if end else ""}: '
                         'make it again from its video, or take it out of the list')
    check_samples(wave, str(path), 'write it anew, divided by 32768 if it was of 16 bits')
    return wave, rate


def what_it_is(path: str | Path) -> str:
    """What a file that cannot be decoded seems to be, by its name, with the cure."""
    kind = Path(path).suffix.lower()
    if kind in NUMPY:
        return ('an array has no rate. Write it as wav with soundfile.write(FILE, wave, rate), or, '
                'in a program, give dict(array=wave, rate=rate)')
    if kind in TEXTS:
        return 'it is a text or a table. Name a sound file, or a folder of them.'
    return f'it is truncated or no sound file. {CURE}'


def loaded_wave(array: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """A wave that a program brings, as :func:`read_wave` gives it.

    Args:
        array: (S,) or (S, channels); integers are divided by their largest value, other numbers
            are from -1 to 1.
        rate: in Hz.

    Raises:
        ValueError: an array of another form, without a sample, with NaN or infinity, or with
            numbers of another range.
    """
    wave = np.asarray(array)
    if wave.ndim not in (1, 2) or not wave.size or wave.dtype.kind not in 'if':
        raise ValueError(f'a wave of shape {wave.shape} and type {wave.dtype}: give numbers of '
                         'shape (S,) or (S, channels)')
    if wave.ndim == 2 and wave.shape[1] > wave.shape[0]:
        raise ValueError(f'a wave of shape {wave.shape}: give (S, channels), its transpose')
    scale = np.iinfo(wave.dtype).max + 1 if wave.dtype.kind == 'i' else 1
    wave = (wave / scale).astype(np.float32).reshape(len(wave), -1).mean(1)
    check_samples(wave, 'the wave', 'divide those of 16 bits by 32768, or give them as int16')
    return wave, int(rate)


def check_samples(wave: np.ndarray, name: str, cure: str) -> None:
    """Refuses a wave that is not of a full scale of -1 to 1.

    Args:
        wave: (S,).
        name: of it, for the message.
        cure: of numbers of another range.

    Raises:
        ValueError: NaN, infinity, or numbers of another range.
    """
    if not np.isfinite(wave).all():
        raise ValueError(f'{name} holds NaN or infinite samples: make it again')
    if np.abs(wave).max() > LOUDEST:
        raise ValueError(f'{name} holds {np.abs(wave).max():g}: its numbers are to be from -1 to '
                         f'1; {cure}')


def missing_bytes(content: bytes) -> int:
    """Bytes that the data chunk of a wav file lacks; 0 for other files.

    The size of the whole file in its head is not looked at: recorders write it a few bytes too
    large, and players do not care.
    """
    if content[:4] != b'RIFF' or content[8:12] != b'WAVE':
        return 0
    place = 12
    while place + 8 <= len(content):
        size = int.from_bytes(content[place + 4:place + 8], 'little')
        if content[place:place + 4] == b'data':
            return 0 if size in UNKNOWN_SIZES else max(0, place + 8 + size - len(content))
        place += 8 + size + size % 2
    return 0


def read_with_ffmpeg(content: bytes, reason: Exception) -> tuple[np.ndarray, int]:
    """Float32 (S, channels) and rate of what soundfile does not know.

    Args:
        content: of the file.
        reason: why soundfile does not read it.

    Raises:
        ValueError: there is no sound, or less than the file states.
        av.FFmpegError: it cannot be decoded.
    """
    container: Any
    with av.open(BytesIO(content), metadata_errors='replace') as container:
        stream = container.streams.best('audio')
        if stream is None or stream.codec_context is None:
            raise ValueError(str(reason))
        resampler = av.AudioResampler('fltp')
        pieces = [piece.to_ndarray() for frame in [*container.decode(stream), None]
                  for piece in resampler.resample(frame) if piece is not None]
        stated = float(stream.duration * stream.time_base) if stream.duration else 0.0
        rate = stream.rate
    wave = np.concatenate(pieces, 1).T if pieces else np.zeros((0, 1), np.float32)
    if len(wave) / rate + TOLERANCE < stated:
        raise ValueError(f'it ends after {len(wave) / rate:.1f} of {stated:.1f} s')
    return wave, rate
