"""The kinds of files that fuzz.py damages: how a sound one is written, and how each is read."""

import json
import tempfile
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
from scipy.io import savemat

from mmfkd.checkpoints import load_weights, read_summary
from mmfkd.cli.prepare.nyuv2 import SPLITS, open_labeled, read_mat
from mmfkd.datasets import AVDigitsDataset, CREMADDataset, CrisisMMDDataset
from mmfkd.datasets.preparation.clips import extract_audio, extract_frames
from mmfkd.datasets.transforms.arrays import read_array
from mmfkd.datasets.transforms.cached import load, save
from mmfkd.datasets.transforms.decoding import decode, read_image
from mmfkd.datasets.transforms.labels import read_labels
from mmfkd.datasets.transforms.sound_files import read_wave
from mmfkd.registry import TRANSFORMS


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
