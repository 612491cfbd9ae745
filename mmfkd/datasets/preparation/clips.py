"""Frames and sound of video files, extracted once, before any training.

What is extracted appears under its name only when it is whole: a run that was stopped at any time
goes on where it was when it is started again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import av
import soundfile

from mmfkd.whole_files import written_whole

from .processes import run_parallel
from .sound_track import LONGEST_PAUSE, sound_on_time

FIRST_FRAME = '00000.jpg'
LFS_POINTER = b'version https://git-lfs'
# Streams of one file rarely end together, and not every container is exact about its length.
TOLERANCE = 1


class ClipError(Exception):
    """A file that cannot be used; the message names it, the reason and the cure."""

    def __init__(self, path: Path, reason: str,
                 cure: str = 'get it again, or leave it out of the lists') -> None:
        super().__init__(path, reason, cure)

    def __str__(self) -> str:
        path, reason, cure = self.args
        return f'{path}: {reason}; {cure}'


class Clip(NamedTuple):
    """A video, the file that receives its sound, or None, and the folder for its frames."""

    video: Path
    wav: Path | None = None
    frames: Path | None = None

    @property
    def done(self) -> bool:
        """Whether all that is wanted of it is there."""
        return ((self.wav is None or self.wav.is_file())
                and (self.frames is None or (self.frames / FIRST_FRAME).is_file()))


@dataclass(frozen=True)
class ClipReport:
    """How many clips were made, how many were there before, and why other videos were skipped."""

    made: int
    done_before: int
    skipped: dict[Path, str]


def extract_frames(video: str | Path, folder: str | Path, fps: float = 1) -> None:
    """Writes the first frame of each second as ``folder/00000.jpg``, ``00001.jpg``, ...

    File k is the frame whose time first reaches k / ``fps`` seconds, counted from the start of the
    stream of pictures; after a longer pause one frame is several files. Frames are turned as the
    file says, as players do.

    Raises:
        ClipError: the video is missing, broken, cut short or has no pictures; the folder is in
            use.
    """
    video, folder = Path(video), Path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise ClipError(folder, 'it is there already', 'remove it to have it made again')
    with _opened(video, 'video') as stream, written_whole(folder) as temporary:
        temporary.mkdir()
        count = 0
        for frame in _decoded(video, stream):
            if frame.pts is None:
                continue
            elapsed = (frame.pts - (stream.start_time or 0)) * stream.time_base
            reached = floor(elapsed * Fraction(fps)) + 1
            if reached - count > LONGEST_PAUSE * fps:
                raise ClipError(video, f'its time jumps from {count / fps:.0f} to '
                                       f'{float(elapsed):.0f} s')
            for index in range(count, reached):
                # Both count degrees against the clock.
                image = frame.to_image().rotate(frame.rotation, expand=True)
                image.save(temporary / f'{index:05d}.jpg', quality=95)
            count = max(count, reached)
        if not count:
            raise ClipError(video, 'it holds no frames')


def extract_audio(video: str | Path, wav: str | Path, rate: int = 16000) -> None:
    """Writes the sound as a mono wav file of 16-bit PCM, ``rate`` samples a second.

    It begins with the stream of pictures, if there is one, as the frames do; see
    :func:`sound_on_time`. An existing file is replaced.

    Raises:
        ClipError: the video is missing, broken, cut short or has no sound.
    """
    video, wav = Path(video), Path(wav)
    with _opened(video, 'audio') as stream:
        pictures = stream.container.streams.best('video')
        start = (None if pictures is None or pictures.start_time is None
                 else pictures.start_time * pictures.time_base)
        samples = sound_on_time(_decoded(video, stream), rate, start)
    if not samples.size:
        raise ClipError(video, 'it holds no sound samples')
    with written_whole(wav) as temporary:
        soundfile.write(str(temporary), samples, rate, 'PCM_16', format='WAV')


def prepare_clips(clips: Iterable[Clip], workers: int = 1,
                  progress: Callable[[Sequence[Clip]], Iterable] = iter) -> ClipReport:
    """Extracts what is wanted of clips and is not there yet.

    A clip that cannot be used does not stop the others.

    Args:
        clips: what to do; a clip that occurs twice counts once.
        workers: number of processes; results do not depend on it.
        progress: wraps the clips that are iterated, for example ``tqdm.tqdm``.

    Raises:
        OSError: a file cannot be written.
        BrokenProcessPool: a process died, for example for want of memory.
    """
    clips = list(dict.fromkeys(clips))
    outcomes = run_parallel(_prepare, clips, workers, progress)
    return ClipReport(
        made=outcomes.count('made'), done_before=outcomes.count('done before'),
        skipped={clip.video: str(outcome) for clip, outcome in zip(clips, outcomes, strict=True)
                 if isinstance(outcome, ClipError)})


def _prepare(clip: Clip) -> str | ClipError:
    outcome = 'done before' if clip.done else 'made'
    lacks_wav = clip.wav is not None and not clip.wav.is_file()
    try:
        if lacks_wav:
            extract_audio(clip.video, cast(Path, clip.wav))
        elif clip.wav is not None:
            _check_wav(clip.wav)
        if clip.frames is not None and not (clip.frames / FIRST_FRAME).is_file():
            extract_frames(clip.video, clip.frames)
    except ClipError as error:
        # Or the sound of a broken video would stay when a whole one takes its place.
        if lacks_wav:
            cast(Path, clip.wav).unlink(missing_ok=True)
        return error
    return outcome


def _check_wav(wav: Path) -> None:
    """Raises a ClipError where a file, perhaps not of our making, holds no sound."""
    try:
        if not soundfile.info(str(wav)).frames:
            raise ClipError(wav, 'it holds no sound samples', 'delete it to have it made again')
    except soundfile.LibsndfileError as error:
        raise _broken(wav, error.error_string) from error


@contextmanager
def _opened(video: Path, kind: Literal['video', 'audio']) -> Iterator[Any]:
    """The stream 'video' or 'audio' of a file; errors of decoding in the block are ClipErrors."""
    if not video.is_file():
        raise ClipError(video, 'there is no such file')
    try:
        # Titles that are not UTF-8 would be errors by default.
        with av.open(str(video), metadata_errors='replace') as container:
            stream = container.streams.best(kind)
            if stream is None or stream.codec_context is None:
                raise ClipError(video, f'it has no {kind} stream that can be decoded')
            stream.codec_context.thread_count = 1
            yield stream
    # Of sound that changes its format, or jumps.
    except (av.FFmpegError, ValueError) as error:
        raise _broken(video, getattr(error, 'strerror', None) or str(error)) from error


def _decoded(video: Path, stream: Any) -> Iterator[Any]:
    """The frames of a stream; a ClipError where they end before the file says they do."""
    timed, unit = ((stream, stream.time_base) if stream.duration
                   else (stream.container, Fraction(1, av.time_base)))
    declared = ((timed.start_time or 0) + (timed.duration or 0)) * unit
    end = Fraction(0)
    for frame in stream.container.decode(stream):
        if frame.pts is not None:
            end = (frame.pts + (frame.duration or 0)) * stream.time_base
        yield frame
    if end and end + TOLERANCE < declared:
        raise ClipError(video, f'it is cut short, {stream.type} ends after {float(end):.1f} of '
                               f'{float(declared):.1f} s')


def _broken(path: Path, reason: str) -> ClipError:
    with path.open('rb') as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            return ClipError(path, 'it is a pointer of Git LFS and not the file itself',
                             "fetch the file with 'git lfs pull'")
    return ClipError(path, f'it cannot be decoded ({reason})')
