"""Damages files of every kind that mmfkd reads, and looks at what its readers make of them.

Each damaged file is refused by its name, or read as what it was, or, where its format cannot tell,
as something else. What must not happen: an error without the file's name, a hang, and other content
of a file whose format has checksums.

Example::

    python benchmarks/fuzz.py --files 2500
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import h5py
import numpy as np
import soundfile
import tifffile
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from scipy.io import savemat

from mmfkd.checkpoints import load_weights, read_summary
from mmfkd.cli.prepare.nyuv2 import SPLITS, open_labeled, read_mat
from mmfkd.cli.prepare.nyuv2 import PrepareError as NYUError
from mmfkd.datasets import AVDigitsDataset, CREMADDataset, CrisisMMDDataset
from mmfkd.datasets.preparation.clips import ClipError, extract_audio, extract_frames
from mmfkd.datasets.transforms.arrays import read_array
from mmfkd.datasets.transforms.cached import load, save
from mmfkd.datasets.transforms.decoding import decode, read_image
from mmfkd.datasets.transforms.labels import read_labels
from mmfkd.datasets.transforms.sound_files import read_wave
from mmfkd.registry import TRANSFORMS

SECONDS = 20
OUTCOMES = ('refused', 'same', 'changed', 'undetected', 'nameless', 'hang')
BAD = ('undetected', 'nameless', 'hang')


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        name: of the file.
        write: writes a sound one.
        read: reads it, as the data sets and commands do.
        checked: the format has checksums over all that is read.
    """

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    checked: bool = False


RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (24, 32)).astype(np.uint16)
LABEL = RNG.integers(0, 3, (24, 32)).astype(np.uint8)
TONE = (np.sin(np.arange(8000) / 5) * 0.5).astype(np.float32)
LOADERS = {kind: TRANSFORMS.build(dict(
    type='mmcv.LoadImageFromFile', color_type=kind, imdecode_backend='pillow'))
    for kind in ('color', 'unchanged')}


def image_kind(name: str, array: np.ndarray, loader: str = 'color', checked: bool = False) -> Kind:
    """An image that a loader of the data sets reads."""
    return Kind(name, lambda path: Image.fromarray(array).save(path),
                lambda path: read_image(LOADERS[loader], str(path), registered=True), checked)


def write_video(path: Path) -> None:
    """Two seconds of pictures and sound."""
    with av.open(str(path), 'w') as container:
        pictures = container.add_stream('mpeg1video', rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, 'yuv420p'
        sound = container.add_stream('mp2', rate=16000, layout='mono')
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(np.roll(
                np.tile(COLOUR, (2, 2, 1)), i, axis=1), 'rgb24')
            container.mux(pictures.encode(frame))
        wave = (np.tile(TONE, 4)[None] * 30000).astype(np.int16)
        audio = av.AudioFrame.from_ndarray(wave, 's16', 'mono')
        audio.sample_rate = 16000
        container.mux(sound.encode(audio))
        for stream in (pictures, sound):
            container.mux(stream.encode(None))


def read_video(path: Path) -> list:
    """Its frames and its sound, extracted."""
    with tempfile.TemporaryDirectory() as folder:
        extract_frames(path, Path(folder, 'frames'))
        extract_audio(path, Path(folder, 'a.wav'))
        return [*(cv2.imread(str(file)) for file in sorted(Path(folder, 'frames').iterdir())),
                soundfile.read(Path(folder, 'a.wav'))[0]]


def write_hdf(path: Path) -> None:
    """The layout of NYUv2's labelled set."""
    with h5py.File(path, 'w') as file:
        for name, shape in (('images', (2, 3, 32, 24)), ('depths', (2, 32, 24)),
                            ('labels', (2, 32, 24))):
            file.create_dataset(name, data=np.zeros(shape, np.uint8))


def read_hdf(path: Path) -> list:
    """Shapes in it."""
    with open_labeled(path) as file:
        return [file[name].shape for name in ('images', 'depths', 'labels')]


def read_list(kind: type, path: Path) -> list:
    """The lines of a data set's list."""
    return kind.LIST.read(path)


CREMAD = ''.join(f'10{i:02d}_DFA_NEU_XX,NEU\n' for i in range(40))
DIGITS = 'audio,image,label\n' + ''.join(f'audio/{i}.wav,image/{i}.png,{i % 10}\n'
                                         for i in range(40))
CRISIS = 'image_id\ttweet_text\timage\tlabel\n' + ''.join(
    f'{i}\t"help {i}\tdata_image/{i}.jpg\tnot_humanitarian\n' for i in range(40))
SUMMARY = json.dumps(dict(checkpoint='best_mIoU_epoch_4.pth', val=31.5, seed=0,
                          test=dict(mIoU=30.25, aAcc=80.5)), indent=2)
KINDS = [
    Kind('a.wav', lambda path: soundfile.write(path, TONE, 8000), lambda path: read_wave(path)[0]),
    image_kind('colour.png', COLOUR, checked=True), image_kind('a.jpg', COLOUR),
    image_kind('deep.png', DEEP, 'unchanged', checked=True),
    Kind('label.png', lambda path: Image.fromarray(LABEL).save(path),
         lambda path: decode(str(path), lambda: read_labels(str(path), None)), checked=True),
    Kind('a.tif', lambda path: tifffile.imwrite(
        path, np.dstack([DEEP] * 5), photometric='minisblack', planarconfig='contig'),
         lambda path: decode(str(path), lambda: read_array(str(path)))),
    Kind('a.npy', lambda path: np.save(path, DEEP),
         lambda path: decode(str(path), lambda: read_array(str(path)))),
    Kind('a.npz', lambda path: np.savez(path, DEEP),
         lambda path: decode(str(path), lambda: read_array(str(path))), checked=True),
    Kind('cached.npy', lambda path: save(path, TONE, 8000), load, checked=True),
    Kind('a.mpg', write_video, read_video),
    Kind('cremad.csv', lambda path: path.write_text(CREMAD),
         lambda path: read_list(CREMADDataset, path)),
    Kind('digits.csv', lambda path: path.write_text(DIGITS),
         lambda path: read_list(AVDigitsDataset, path)),
    Kind('crisis.tsv', lambda path: path.write_text(CRISIS),
         lambda path: read_list(CrisisMMDDataset, path)),
    Kind(SPLITS, lambda path: savemat(path, dict(trainNdxs=np.arange(30), testNdxs=np.arange(9))),
         lambda path: read_mat(path, 'trainNdxs', 'testNdxs')),
    Kind('nyu_depth_v2_labeled.mat', write_hdf, read_hdf),
    Kind('summary.json', lambda path: path.write_text(SUMMARY),
         lambda path: read_summary(path.parent)),
    Kind('a.pth', lambda path: torch.save(dict(state_dict=dict(
        x=torch.arange(500.), y=torch.ones(3, 4))), path), load_weights, checked=True)]


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with one of the damages that copies, disks and editors do."""
    data, size = bytearray(content), len(content)
    place, length = draw.randrange(size), draw.choice((1, 4, 64, 1024))
    what = draw.choice(('cut', 'flip', 'zero', 'noise', 'delete', 'insert', 'head', 'double'))
    if what == 'cut':
        return content[:place]
    if what == 'flip':
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(size)] ^= 1 << draw.randrange(8)
    elif what == 'zero':
        data[place:place + length] = bytes(min(length, size - place))
    elif what == 'noise':
        data[place:place + length] = draw.randbytes(min(length, size - place))
    elif what == 'delete':
        del data[place:place + length]
    elif what == 'insert':
        data[place:place] = draw.randbytes(length)
    elif what == 'head':
        data[:64] = draw.randbytes(64)
    else:
        data += content
    return bytes(data)


def outcome(kind: Kind, path: Path, sound: Any) -> tuple[str, str]:
    """What a reader makes of a file, and the message if it refuses it."""
    signal.alarm(SECONDS)
    try:
        found = kind.read(path)
    except TimeoutError:
        return 'hang', ''
    except (ValueError, OSError, ClipError, NYUError) as error:
        message = str(error)
        return ('refused' if path.name in message else 'nameless'), message
    except Exception as error:
        return 'nameless', f'{type(error).__name__}: {error}'
    finally:
        signal.alarm(0)
    if found is None:  # a summary or an entry of the cache, which counts as not there
        return 'refused', ''
    if same(found, sound):
        return 'same', ''
    return ('undetected' if kind.checked else 'changed'), ''


def same(one: Any, other: Any) -> bool:
    """Whether two things that were read are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, torch.Tensor)):
        return one.dtype == other.dtype and np.array_equal(np.asarray(one), np.asarray(other))
    return one == other


def timed_out(number: int, frame: object) -> None:
    """Ends a reader that hangs."""
    raise TimeoutError


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--files', type=int, default=2500,
                        help='The number of damaged files (default: 2500).')
    parser.add_argument('--seed', type=int, default=0, help='The seed of the damages.')
    parser.add_argument('--kinds', nargs='+', help='Names of kinds, such as a.wav (default: all).')
    return parser.parse_args()


def main() -> int:
    """Runs the command and returns its exit code: 0 if nothing bad happened."""
    args = parse_args()
    warnings.simplefilter('ignore')
    av.logging.set_level(None)
    signal.signal(signal.SIGALRM, timed_out)
    kinds = [kind for kind in KINDS if args.kinds is None or kind.name in args.kinds]
    counts: dict[str, Counter[str]] = {kind.name: Counter() for kind in kinds}
    faults = []
    with tempfile.TemporaryDirectory() as name:
        for index in range(args.files):
            kind, draw = kinds[index % len(kinds)], random.Random(f'{args.seed} {index}')
            path = Path(name, kind.name)
            kind.write(path)
            sound = kind.read(path)
            path.write_bytes(damaged(path.read_bytes(), draw))
            result, message = outcome(kind, path, sound)
            counts[kind.name][result] += 1
            if result in BAD:
                faults.append(f'{kind.name}, file {index}: {result} {message}')
    table = Table('kind', 'tries', *OUTCOMES)
    for kind in kinds:
        counted = counts[kind.name]
        table.add_row(kind.name, str(counted.total()), *(str(counted[key]) for key in OUTCOMES))
    Console(width=110).print(table)
    print('\n'.join(faults[:40]) or f'{args.files} damaged files: nothing bad')
    return int(bool(faults))


if __name__ == '__main__':
    sys.exit(main())
