"""Turn the official NYU Depth V2 labelled set into PNG files.

RAW holds nyu_depth_v2_labeled.mat, splits.mat and classMapping40.mat. The result is
OUT/{train,test}/{rgb,depth,label}/NNNNNN.png, where NNNNNN is the image number of the data set,
counted from 1:

  rgb    8-bit colour
  depth  16-bit, millimetres, from the hole-filled 'depths'; 0 = no value
  label  8-bit, 0..39 for the 40 classes, 255 for unlabelled pixels

A stopped run continues where it was when the same command is given again.
"""

import argparse
import sys
from pathlib import Path

import cv2
import h5py
import numpy as np
from tqdm import tqdm

from mmfkd.datasets.preparation.matlab import MatlabError, read_variables
from mmfkd.whole_files import written_whole

NUM_CLASSES = 40
IGNORE = 255
OFFICIAL_COUNTS = dict(train=795, test=654)
KINDS = ('rgb', 'depth', 'label')
TEMPORARY = '.tmp'

LABELED, SPLITS, MAPPING = 'nyu_depth_v2_labeled.mat', 'splits.mat', 'classMapping40.mat'
PAGE = 'https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html'
HOST = 'http://horatio.cs.nyu.edu/mit/silberman'
SOURCES = {
    LABELED: f'the labelled set (2.8 GB)\n    {HOST}/nyu_depth_v2/{LABELED}\n    from {PAGE}',
    SPLITS: f'the official train / test split\n    {HOST}/indoor_seg_sup/{SPLITS}\n    from {PAGE}',
    MAPPING: 'the mapping of 894 raw classes to 40\n'
             '    https://github.com/ankurhanda/nyuv2-meta-data',
}


class PrepareError(Exception):
    """Something the user can cure; the message says what is wrong and what to do."""


def damaged(path, reason):
    """Returns the PrepareError for an input file that exists but cannot be used."""
    return PrepareError(
        f'cannot read {path}: {reason}\nIf its download was cut short, delete the file and get it '
        f'again:\n  {path.name}: {SOURCES[path.name]}')


def check_inputs(raw):
    """Raises a PrepareError that lists every input file missing in the folder ``raw``."""
    missing = [f'  {name}: {SOURCES[name]}' for name in SOURCES if not (raw / name).is_file()]
    if missing:
        raise PrepareError('\n'.join([f'missing in {raw}, download there:', *missing]))


def read_mat(path, *names):
    """Returns variables of a small MATLAB file, each a flat int64 array.

    Raises:
        PrepareError: the file is damaged or lacks a variable.
    """
    try:
        return read_variables(path, names)
    except MatlabError as error:
        raise damaged(path, error) from error


def load_splits(path):
    """Returns the image numbers, counted from 1, of the splits: dict(train=[...], test=[...]).

    Raises:
        PrepareError: the file is damaged, or lists an image twice.
    """
    train, test = (numbers.tolist() for numbers in read_mat(path, 'trainNdxs', 'testNdxs'))
    if len({*train, *test}) != len(train) + len(test):
        raise PrepareError(f'{path} lists an image more than once')
    return dict(train=train, test=test)


def load_label_table(path):
    """Returns the class mapping as a uint8 table: raw label -> 0..39, raw label 0 -> 255.

    Raises:
        PrepareError: the file is damaged, or maps to something else than 1..40.
    """
    (mapped,) = read_mat(path, 'mapClass')
    if not np.isin(mapped, np.arange(1, NUM_CLASSES + 1)).all():
        raise PrepareError(f'{path}: mapClass is not a mapping to 1..{NUM_CLASSES}')
    return np.concatenate([[IGNORE], mapped - 1]).astype(np.uint8)


def open_labeled(path):
    """Opens the labelled set and checks its layout.

    Returns:
        h5py.File: ``images`` (N, 3, W, H) uint8, ``depths`` (N, W, H) in metres and ``labels``
        (N, W, H). MATLAB stores arrays column first, so h5py sees the axes reversed.

    Raises:
        PrepareError: the file is damaged or of another layout.
    """
    try:
        file = h5py.File(path, 'r')
        images, depths, labels = (file[name].shape for name in ('images', 'depths', 'labels'))
    except (OSError, KeyError) as error:
        raise damaged(path, error) from error
    if images[1:2] != (3,) or not depths == labels == images[:1] + images[2:]:
        raise damaged(path, f'shapes: images {images}, depths {depths}, labels {labels}')
    return file


def check_counts(splits, total, allow_partial):
    """Compare the splits with the ``total`` images of the labelled set and the official counts.

    Raises:
        PrepareError: a listed image does not exist, or the counts are not the official ones and
            ``allow_partial`` is false (otherwise that is a warning).
    """
    outside = [n for numbers in splits.values() for n in numbers if not 1 <= n <= total]
    if outside:
        raise PrepareError(f'{SPLITS} lists image {outside[0]}; {LABELED} holds 1 to {total}')
    counts = {split: len(numbers) for split, numbers in splits.items()}
    if counts != OFFICIAL_COUNTS or total != sum(OFFICIAL_COUNTS.values()):
        message = (f'{counts} of {total} images, officially {OFFICIAL_COUNTS} of '
                   f'{sum(OFFICIAL_COUNTS.values())}')
        if not allow_partial:
            raise PrepareError(f'{message}; give --allow-partial if that is intended')
        print(f'warning: {message}', file=sys.stderr)


def convert(rgb, depth, label, table):
    """Converts one image from the layout of the labelled set.

    Args:
        rgb: uint8 (3, W, H).
        depth: float (W, H), metres.
        label: integer (W, H), raw labels, 0 = unlabelled.
        table: see :func:`load_label_table`.

    Returns:
        dict[str, np.ndarray]: rgb uint8 (H, W, 3); depth uint16 (H, W) in millimetres, 0 where
        ``depth`` is not finite; label uint8 (H, W).

    Raises:
        PrepareError: a label is beyond the table.
    """
    if label.max() >= len(table):
        raise PrepareError(f'label {label.max()} is beyond the {len(table) - 1} classes of '
                           f'{MAPPING}; the files do not belong together')
    millimetres = np.where(np.isfinite(depth), np.rint(depth * 1000), 0)
    millimetres = millimetres.clip(0, np.iinfo(np.uint16).max).astype(np.uint16)
    return dict(rgb=rgb.transpose(2, 1, 0), depth=millimetres.T, label=table[label.T])


def write_png(path, image):
    """Writes (H, W) uint8 / uint16 or RGB (H, W, 3) uint8, never leaving a partial ``path``."""
    if image.ndim == 3:
        image = image[..., ::-1]
    with written_whole(path) as temporary:
        temporary.write_bytes(cv2.imencode('.png', np.ascontiguousarray(image))[1])


def extract(file, splits, table, out):
    """Writes the images that are not complete in ``out`` yet.

    Args:
        file: the open labelled set.
        splits: see :func:`load_splits`.
        table: see :func:`load_label_table`.
        out: folder that receives train/ and test/.

    Raises:
        PrepareError: the labelled set breaks off, or holds an unknown label.
    """
    for folder in (out / split / kind for split in splits for kind in KINDS):
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob('*.png' + TEMPORARY):
            leftover.unlink()
    # In the order of the file, not split by split: HDF5 may keep several images in one chunk.
    wanted = sorted((number, split) for split, numbers in splits.items() for number in numbers)
    skipped = 0
    with tqdm(wanted, unit='image') as bar:
        for number, split in bar:
            paths = {kind: out / split / kind / f'{number:06d}.png' for kind in KINDS}
            if all(path.exists() for path in paths.values()):
                skipped += 1
                continue
            try:
                arrays = [file[name][number - 1] for name in ('images', 'depths', 'labels')]
            except OSError as error:
                raise damaged(Path(file.filename), f'image {number}: {error}') from error
            try:
                images = convert(*arrays, table)
            except PrepareError as error:
                raise PrepareError(f'image {number}: {error}') from error
            for kind, path in paths.items():
                write_png(path, images[kind])
    print(f'wrote {len(wanted) - skipped} images, {skipped} were there already')


def check_outputs(splits, out):
    """Raises a PrepareError unless ``out`` holds exactly the images of ``splits``."""
    for split, kind in ((split, kind) for split in splits for kind in KINDS):
        wanted = {f'{number:06d}.png' for number in splits[split]}
        found = {path.name for path in (out / split / kind).glob('*.png')}
        if wanted != found:
            raise PrepareError(
                f'{out / split / kind}: {len(wanted - found)} images missing, '
                f'{len(found - wanted)} not in the split, for example {min(wanted ^ found)}')


def main(argv=None):
    """Runs the command and return its exit code."""
    parser = argparse.ArgumentParser(
        'mmfkd prepare nyuv2', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('raw', nargs='?', type=Path, default=Path('data/nyuv2/raw'),
                        help='The folder of the three .mat files (default: %(default)s).')
    parser.add_argument('--out', type=Path, default=Path('data/nyuv2'),
                        help='The folder that receives train/ and test/ (default: %(default)s).')
    parser.add_argument('--allow-partial', action='store_true',
                        help='Accept other counts than the official 795 / 654.')
    args = parser.parse_args(argv)
    try:
        if any(path.exists() and not path.is_dir() for path in (args.out, *args.out.parents)):
            raise PrepareError(f'--out {args.out} is a file, or in one: name a folder')
        check_inputs(args.raw)
        splits = load_splits(args.raw / SPLITS)
        table = load_label_table(args.raw / MAPPING)
        with open_labeled(args.raw / LABELED) as file:
            check_counts(splits, len(file['images']), args.allow_partial)
            extract(file, splits, table, args.out)
        check_outputs(splits, args.out)
    except PrepareError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('stopped; the same command continues from here', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
