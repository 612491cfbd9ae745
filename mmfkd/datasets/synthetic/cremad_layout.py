"""Rendered talking heads as files in the layout of CREMA-D."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import av
import numpy as np
import soundfile

from .seeding import check_size, listed_samples
from .talking_heads import CLASSES, RATE, render_clip

ACTORS = 91
SENTENCES = ('IEO', 'TIE', 'IOM', 'IWW', 'TAI', 'MTI', 'IWL', 'ITH', 'DFA', 'ITS', 'TSI', 'WSI')
LEVELS = ('XX', 'LO', 'MD', 'HI')
FPS = 5


def write_cremad_layout(root: str | Path, num_train: int, num_test: int,
                        size: Sequence[int] = (64, 64), seed: int = 0,
                        progress: Callable[[list], Iterable] = iter) -> None:
    """Writes clips as ``root/AudioWAV/CLIP.wav`` and ``root/VideoFlash/CLIP.flv``.

    The sound is 16 kHz mono, 16 bit; the video shows each of the three frames for a second, with
    the sound. ``train.csv`` and ``test.csv`` hold lines ``CLIP,EMOTION`` without a header, and a
    name such as 1001_DFA_ANG_XX is one clip's only. Train holds the first samples of
    ``SyntheticAudioVisual(seed=seed)``, test those of ``seed + 1``; existing files are overwritten.

    Args:
        root: Folder to write into; created where missing.
        num_train: Number of training clips.
        num_test: Number of test clips.
        size: Height and width of a frame in pixels.
        seed: Decides the clips.
        progress: Wraps the list of clips that is iterated, for example ``tqdm.tqdm``.

    Raises:
        ValueError: If ``size`` is not two positive integers, or there are more clips than names.
        OSError: If a file cannot be written.
    """
    size, root = check_size(size), Path(root)
    samples = listed_samples(dict(train=num_train, test=num_test), seed, CLASSES)
    names = _clip_names([label for _, _, label in samples])
    for folder in ('AudioWAV', 'VideoFlash'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split in ('train', 'test'):
        lines = [f'{name},{CLASSES[label]}\n'
                 for name, (its_split, _, label) in zip(names, samples, strict=True)
                 if its_split == split]
        (root / f'{split}.csv').write_text(''.join(lines))
    for name, (_, one_seed, label) in progress(list(zip(names, samples, strict=True))):
        clip = render_clip(one_seed, label, size)
        soundfile.write(root / 'AudioWAV' / f'{name}.wav', clip['audio'], RATE, subtype='PCM_16')
        _write_video(root / 'VideoFlash' / f'{name}.flv', clip['visual'], clip['audio'])


def _clip_names(labels: Sequence[int]) -> list[str]:
    """A name for each clip: the next actor for each of a class, then the next sentence, level."""
    used, names = [0] * len(CLASSES), []
    available = ACTORS * len(SENTENCES) * len(LEVELS)
    for label in labels:
        rest, actor = divmod(used[label], ACTORS)
        level, sentence = divmod(rest, len(SENTENCES))
        if used[label] == available:
            raise ValueError(f'num_train and num_test ask for {len(labels)} clips: there are '
                             f'{available} names a class, so ask for at most '
                             f'{available * len(used)} in all')
        used[label] += 1
        names.append(f'{1001 + actor}_{SENTENCES[sentence]}_{CLASSES[label]}_'
                     f'{LEVELS[level]}')
    return names


def _write_video(path: Path, frames: Sequence[np.ndarray], audio: np.ndarray) -> None:
    """Flash video of ``frames``, uint8 (H, W, 3) BGR, a second each, with ``audio`` (S,)."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), 'w') as file:
        # The bit rate leaves little more than the loss of colour resolution.
        video = file.add_stream('flv', rate=FPS, width=width, height=height, pix_fmt='yuv420p',
                                bit_rate=100 * FPS * height * width)
        # Several times faster than the mp3 of the real clips; 16 kHz is no rate of this codec.
        sound = file.add_stream('adpcm_swf', rate=22050, layout='mono')
        for frame in frames:
            for _ in range(FPS):
                file.mux(video.encode(av.VideoFrame.from_ndarray(frame, 'bgr24')))
        samples = av.AudioFrame.from_ndarray(audio[None], 'fltp', 'mono')
        samples.sample_rate = RATE
        file.mux(sound.encode(samples))
        for stream in (video, sound):
            file.mux(stream.encode())
