"""Writers of rendered clips and tweets in the layouts of CREMA-D and CrisisMMD."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from . import speech_scenes, tweet_scenes
from .scenes import check_size, scene_seed
from .speech_scenes import RATE, render_clip
from .tweet_scenes import render_tweet, vocabulary

ACTORS = 91
SENTENCES = ('IEO', 'TIE', 'IOM', 'IWW', 'TAI', 'MTI', 'IWL', 'ITH', 'DFA', 'ITS', 'TSI', 'WSI')
LEVELS = ('XX', 'LO', 'MD', 'HI')
FPS = 5
COLUMNS = ('event_name', 'tweet_id', 'image_id', 'tweet_text', 'image', 'label', 'label_text',
           'label_image', 'label_text_image')
# The set labels more finely than its benchmark, which has these folded into their classes.
FINE_LABELS = dict(
    affected_individuals=('affected_individuals', 'injured_or_dead_people',
                          'missing_or_found_people'),
    infrastructure_and_utility_damage=('infrastructure_and_utility_damage', 'vehicle_damage'))


def write_cremad_layout(root: str | Path, num_train: int, num_test: int,
                        size: Sequence[int] = (64, 64), seed: int = 0,
                        progress: Callable[[list], Iterable] = iter) -> None:
    """Write clips as ``root/AudioWAV/CLIP.wav`` and ``root/VideoFlash/CLIP.flv``.

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
    samples = _samples(dict(train=num_train, test=num_test), seed, speech_scenes.CLASSES)
    names = _clip_names([label for _, _, label in samples])
    for folder in ('AudioWAV', 'VideoFlash'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split in ('train', 'test'):
        lines = [f'{name},{speech_scenes.CLASSES[label]}\n'
                 for name, (its_split, _, label) in zip(names, samples, strict=True)
                 if its_split == split]
        (root / f'{split}.csv').write_text(''.join(lines))
    for name, (_, one_seed, label) in progress(list(zip(names, samples, strict=True))):
        clip = render_clip(one_seed, label, size)
        soundfile.write(root / 'AudioWAV' / f'{name}.wav', clip['audio'], RATE, subtype='PCM_16')
        _write_video(root / 'VideoFlash' / f'{name}.flv', clip['visual'], clip['audio'])


def _samples(counts: dict[str, int], seed: int,
             classes: Sequence[str]) -> list[tuple[str, int, int]]:
    """Split, scene seed and label of every sample; the seeds of the splits are consecutive."""
    return [(split, scene_seed(seed + offset, index), index % len(classes))
            for offset, (split, count) in enumerate(counts.items()) for index in range(count)]


def _clip_names(labels: Sequence[int]) -> list[str]:
    """A name for each clip: the next actor for each of a class, then the next sentence, level."""
    used, names = [0] * len(speech_scenes.CLASSES), []
    available = ACTORS * len(SENTENCES) * len(LEVELS)
    for label in labels:
        rest, actor = divmod(used[label], ACTORS)
        level, sentence = divmod(rest, len(SENTENCES))
        if used[label] == available:
            raise ValueError(f'num_train and num_test ask for {len(labels)} clips: there are '
                             f'{available} names a class, so ask for at most '
                             f'{available * len(used)} in all')
        used[label] += 1
        names.append(f'{1001 + actor}_{SENTENCES[sentence]}_{speech_scenes.CLASSES[label]}_'
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


def write_crisismmd_layout(root: str | Path, num_train: int, num_dev: int, num_test: int,
                           size: Sequence[int] = (64, 64), seed: int = 0,
                           progress: Callable[[list], Iterable] = iter) -> None:
    """Write tweets as ``root/data_image/EVENT/DATE/TWEET_0.jpg`` and lists of their texts.

    The lists ``task_humanitarian_text_img_agreed_lab_{train,dev,test}.tsv`` have a header and the
    real columns: no field is quoted, quotes in texts stand as they are, and ``label`` may be finer
    than ``label_text`` and ``label_image``, which hold the class. Train holds the first samples of
    ``SyntheticTextImage(seed=seed)``, dev those of ``seed + 1`` and test of ``seed + 2``; existing
    files are overwritten.

    Args:
        root: Folder to write into; created where missing.
        num_train: Number of training tweets.
        num_dev: Number of tweets to select on.
        num_test: Number of test tweets.
        size: Height and width of an image in pixels.
        seed: Decides the tweets.
        progress: Wraps the list of tweets that is iterated, for example ``tqdm.tqdm``.

    Raises:
        ValueError: If ``size`` is not two positive integers.
        OSError: If a file cannot be written.
    """
    size, root = check_size(size), Path(root)
    counts = dict(train=num_train, dev=num_dev, test=num_test)
    rows = {split: [COLUMNS] for split in counts}
    samples = _samples(counts, seed, tweet_scenes.CLASSES)
    for number, (split, one_seed, label) in progress(list(enumerate(samples))):
        tweet, name = render_tweet(one_seed, label, size), tweet_scenes.CLASSES[label]
        fine = FINE_LABELS.get(name, (name,))
        # As long as real ones: a reader that takes them for floats loses their last digits.
        tweet_id = 905_000_000_000_000_001 + number
        image = f"data_image/{tweet['event']}/{1 + number % 28}_9_2017/{tweet_id}_0.jpg"
        (root / image).parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(root / image), tweet['image']):
            raise OSError(f'cannot write {root / image}')
        rows[split].append((tweet['event'], tweet_id, f'{tweet_id}_0', tweet['text'], image,
                            fine[number // len(tweet_scenes.CLASSES) % len(fine)], name, name,
                            'Positive'))
    for split, lines in rows.items():
        path = root / f'task_humanitarian_text_img_agreed_lab_{split}.tsv'
        with open(path, 'w', newline='') as file:
            csv.writer(file, delimiter='\t', quoting=csv.QUOTE_NONE, quotechar=None,
                       lineterminator='\n').writerows(lines)


def write_tiny_bert(folder: str | Path, seed: int = 0, hidden_size: int = 768,
                    layers: int = 1) -> None:
    """Write a BERT of random weights and the vocabulary of the tweets, as a pretrained one is.

    ``BertModel`` and ``BertTokenizer`` of transformers load it with ``from_pretrained(folder)``.

    Args:
        folder: Folder to write into; created where missing.
        seed: Decides the weights; torch's own random state is left as it is.
        hidden_size: Width of the tokens, a multiple of 64 or at most 64; BERT-base has 768.
        layers: Number of transformer layers.

    Raises:
        ValueError: If ``hidden_size`` cannot be cut into heads.
    """
    if hidden_size < 1 or (hidden_size > 64 and hidden_size % 64):
        raise ValueError(f'hidden_size={hidden_size} cannot be cut into heads of 64: choose a '
                         'multiple of 64, or 1 to 64')
    folder, words = Path(folder), vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    config = BertConfig(vocab_size=len(words), hidden_size=hidden_size, num_hidden_layers=layers,
                        num_attention_heads=max(1, hidden_size // 64),
                        intermediate_size=hidden_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(folder)
    (folder / 'vocab.txt').write_text('\n'.join(words) + '\n')
    # Loaded from the folder: transformers 5 ignores the file of BertTokenizer(vocab_file=path).
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
