"""The bad inputs of bad_inputs.py: what each changes, and what its message must hold."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

BRANCH = 'model.students.student'


class Case(NamedTuple):
    """A bad input.

    Attributes:
        name: what is wrong.
        parts: regular expressions that the message holds.
        change: changes the folder ``root``.
        command: of mmfkd, with ``{root}`` for the folder.
    """

    name: str
    parts: Sequence[str]
    change: Callable[[Path], object] = lambda root: None
    command: str = 'train {root}/rgb.py --work-dir {root}/run'


def image(name: str, array: np.ndarray, **options: object) -> Callable[[Path], object]:
    """Writes another image."""
    return lambda root: Image.fromarray(array).save(root / 'data' / name, **options)


def content(name: str, data: bytes) -> Callable[[Path], object]:
    """Writes another file."""
    return lambda root: (root / name).write_bytes(data)


def cut(name: str, share: float) -> Callable[[Path], object]:
    """Cuts a file short."""
    return lambda root: (root / name).write_bytes(
        (root / name).read_bytes()[:int(share * (root / name).stat().st_size)])


def gone(name: str) -> Callable[[Path], object]:
    """Moves a file or folder away."""
    return lambda root: (root / name).rename(root / f'{Path(name).name}.gone')


def edited(name: str, text: str) -> Callable[[Path], object]:
    """Adds lines to a config."""
    return lambda root: (root / name).write_text((root / name).read_text() + text)


def weights(name: str, what: object) -> Callable[[Path], object]:
    """Writes another checkpoint."""
    return lambda root: torch.save(what, root / name)


def turned(root: Path) -> None:
    """An image that EXIF turns."""
    picture = Image.open(root / 'data/train/rgb/0001.png')
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(root / 'data/train/rgb/0001.png', exif=exif)


class Runs:
    """Pickles as a command of the shell."""

    def __reduce__(self):
        return os.system, ('true',)


GREY, DEEP = np.zeros((32, 32), np.uint8), np.full((32, 32), 30000, np.uint16)
FILE = 'train/{}/0001.png'
BROKEN = {'empty': b'', 'text': b'hello', 'html': b'<html>404</html>',
          'pointer': b'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n'}


def option(name: str, text: str, *parts: str, config: str = 'rgb') -> Case:
    """A case of ``--cfg-options``."""
    return Case(name, parts, command=f'train {{root}}/{config}.py --work-dir {{root}}/run '
                                     f'--cfg-options {text}')


def tested(name: str, checkpoint: str, *parts: str, change: Callable = lambda root: None,
           more: str = '') -> Case:
    """A case of the test command."""
    return Case(name, parts, change, f'test {{root}}/rgb.py {{root}}/{checkpoint} --work-dir '
                                     f'{{root}}/run{more}')


CASES = [
    *(Case(f'{kind} file is {what}', [f'{kind}/0001.png', 'cannot be decoded', 'Copy it again'],
           content(f'data/{FILE.format(kind)}', data))
      for kind in ('rgb', 'depth', 'label') for what, data in BROKEN.items()),
    *(Case(f'{kind} file is cut to {share:.0%}', [f'{kind}/0001.png', 'cannot be decoded'],
           cut(f'data/{FILE.format(kind)}', share))
      for kind in ('rgb', 'depth', 'label') for share in (0.1, 0.5, 0.95)),
    *(Case(f'{kind} file is missing', [f'train/{kind}', '1 of 8 files', r'0001\.png', 'add these'],
           gone(f'data/{FILE.format(kind)}')) for kind in ('rgb', 'depth', 'label')),
    *(Case(f'folder {kind} is missing', [f'train/{kind} does not exist', 'data_root'],
           gone(f'data/train/{kind}')) for kind in ('rgb', 'depth', 'label')),
    Case('data is missing', ['does not exist', 'mmfkd prepare', 'data_root'], gone('data')),
    Case('sizes differ', ['sizes of modalities differ', '32x32', '16x32', 'resize or crop'],
         image(FILE.format('depth'), DEEP[:16] // 100)),
    Case('label of another size', [r'label/0001\.png', 'registered'],
         image(FILE.format('label'), GREY[:16])),
    *(Case(f'label {value}', [r'label/0001\.png', str(value), '40 classes', 'metainfo'],
           image(FILE.format('label'), np.full((32, 32), value, kind)))
      for value, kind in ((40, np.uint8), (254, np.uint8), (256, np.uint16), (65535, np.uint16))),
    Case('label in colour', [r'label/0001\.png', 'colour of no class', 'palette'],
         image(FILE.format('label'), np.full((32, 32, 3), 7, np.uint8))),
    Case('all labels are ignored', ['no label of train counts', 'ignore_index'], lambda root: [
        Image.fromarray(GREY + 255).save(path) for path in (root / 'data/train/label').iterdir()]),
    Case('masks of 0 and 255', [r'label/000\d\.png, hold .wall. alone', '0 and 1'], lambda root: [
        Image.fromarray(GREY + 255 * np.eye(32, dtype=np.uint8)).save(path)
        for path in (root / 'data/train/label').iterdir()]),
    Case('colour of 16 bits', [r'rgb/0001\.png has 16 bits', 'LoadInfrared'],
         image(FILE.format('rgb'), DEEP)),
    Case('one channel as colour of depth', [r'depth/0001\.png has 3 channels', 'color_type'],
         image(FILE.format('depth'), np.zeros((32, 32, 3), np.uint8))),
    Case('depth in another unit', [r'depth/0001\.png holds 30000', 'another unit', 'scale'],
         image(FILE.format('depth'), DEEP)),
    Case('turned image', [r'rgb/0001\.png has EXIF orientation 6', 'exif_transpose'], turned),
    # Configs.
    Case('config is missing', ['does not exist', 'lists the configs'],
         command='train {root}/none.py'),
    Case('config with a fault of syntax', [r'rgb\.py'], edited('rgb.py', 'x = (\n')),
    Case('config without model', ["has no 'model'", 'configs/unimodal'],
         content('rgb.py', b'train_cfg = dict(max_epochs=1)\n')),
    Case('config of another suffix', ['rgb.txt'], content('rgb.txt', b'x'),
         'train {root}/rgb.txt'),
    Case('base is missing', ['none.py'], content('rgb.py', b"_base_ = ['none.py']\n")),
    Case('no config', ['name a config, or --pair and --method'], command='train'),
    Case('pair without method', ['--pair and --method together'],
         command='train --pair nyuv2_depth2rgb'),
    Case('pair of another form', ["'nyuv2'", 'A teaches B'],
         command='train --pair nyuv2 --method kd'),
    Case('unknown pair', ['unimodal/moon_b does not exist'],
         command='train --pair moon_a2b --method kd'),
    Case('unknown method', ["method 'kdd' does not exist", 'choose one of'],
         command='train --pair nyuv2_depth2rgb --method kdd'),
    Case('unknown name in the package', ['does not exist', 'fdkd/'],
         command='train fdkd/nyuv2_dpth2rgb'),
    option('misspelt key', 'randomnes.seed=1', "did you mean 'randomness'", r'\+randomnes'),
    option('misspelt key of a class', 'train_dataloader.dataset.splt=a', 'dataset.split'),
    option('place in a list', 'param_scheduler.7.power=1', 'list of 1 parts'),
    option('option without value', 'train_cfg.max_epochs', 'KEY=VALUE'),
    option('brackets that do not close', 'train_cfg.max_epochs=(1', 'quotes'),
    option('no epochs', 'train_cfg.max_epochs=0', 'max_epochs=0', 'mmfkd test'),
    option('classes of the head', f'{BRANCH}.model.decode_head.num_classes=3', 'num_classes=3',
           '40 classes'),
    option('larger batch than data', 'train_dataloader.batch_size=16', 'batch_size'),
    option('batch of one', 'train_dataloader.batch_size=1', 'batch norm', 'batch_size to 2'),
    option('unknown modality of the data', 'train_dataloader.dataset.modalities=[thermal]',
           'thermal', 'depth'),
    option('unknown modality of the branch', f'{BRANCH}.modality=thermal', 'thermal', 'depth'),
    option('unknown split', 'train_dataloader.dataset.split=trian', 'trian/rgb does not exist'),
    option('unknown subset', 'train_dataloader.dataset.subset=half', "subset='half'", 'fit'),
    option('fraction', 'train_dataloader.dataset.val_fraction=3', 'val_fraction=3', 'below 1'),
    option('list of stems is missing', 'train_dataloader.dataset.ann_file=none.txt', 'none.txt',
           'does not exist'),
    option('unknown tap', f'{BRANCH}.taps.feat=backbone.layer9', 'layer9', 'Close:'),
    option('widths of norm', f'{BRANCH}.norm.mean=[1,2]', 'norm|mean'),
    option('infinite loss', 'optim_wrapper.optimizer.lr=1e30', 'is not finite', 'learning rate'),
    option('starting weights are missing', 'load_from=none.pth', r'none\.pth does not exist'),
    option('unknown type of a loss', 'model.losses.loss_fdkd.type=FDKD', 'FDKD is not in the',
           config='fdkd'),
    option('unknown type of a data set', 'train_dataloader.dataset.type=NYUDataset',
           'NYUDataset is not in the'),
    option('colour jitter on depth', 'train_dataloader.dataset.pipeline.2.modality=depth',
           "ForModality\\('depth'\\)", '3 channels'),
    Case('launcher without torchrun', ['torchrun'],
         command='train {root}/rgb.py --launcher pytorch'),
    Case('resume of a file that is missing', ['--resume none.pth: there is no such file'],
         command='train {root}/rgb.py --work-dir {root}/run --resume none.pth'),
    Case('resume of weights', ['cannot be resumed', 'load_from'],
         command='train {root}/rgb.py --work-dir {root}/run --resume {root}/rgb.pth'),
    # Distillation and teachers.
    option('unknown tap of a loss', 'model.losses.loss_fdkd.student=student.feet', 'student.feet',
           'Known: student.feat', config='fdkd'),
    option('shapes of taps', 'model.losses.loss_fdkd.student=student.logits', 'adapter',
           config='fdkd'),
    option('infinite weight', 'model.losses.loss_fdkd.low_weight=1e45', 'is not finite',
           'loss_fdkd.low', config='fdkd'),
    *(Case(f'teacher is {what}', [r'depth\.pth', *parts], change,
           'train {root}/fdkd.py --work-dir {root}/run') for what, change, parts in (
        ('missing', gone('depth.pth'), ['mmfkd train']),
        ('cut', cut('depth.pth', 0.5), ['truncated', 'Train or copy it again']),
        ('a text', content('depth.pth', b'hello'), ['cannot be read']),
        ('of another modality', lambda root: shutil.copy(root / 'rgb.pth', root / 'depth.pth'),
         ["of a student of 'rgb'"]),
        ('empty', weights('depth.pth', dict(meta={})), ['no weights']),
        ('of another network', weights('depth.pth', dict(x=torch.ones(1))),
         ['another architecture', 'missing']),
        ('a program', weights('depth.pth', dict(state_dict={}, x=Runs())),
         ['could run a program']))),
    Case("config of the teacher is missing", [r'depth\.py', 'does not exist', 'teachers.teacher'],
         gone('depth.py'), 'train {root}/fdkd.py --work-dir {root}/run'),
    # Test and export.
    tested('checkpoint is missing', 'none.pth', r'none\.pth', 'check the path'),
    tested('checkpoint is cut', 'rgb.pth', 'truncated', change=cut('rgb.pth', 0.7)),
    tested('checkpoint of another modality', 'depth.pth', "of a student of 'depth'"),
    tested('checkpoint is a program', 'rgb.pth', 'could run a program',
           change=weights('rgb.pth', dict(state_dict={}, x=Runs()))),
    tested('unknown student', 'rgb.pth', "no student 'x'", more=' --student x'),
    tested('subsets of one modality', 'rgb.pth', '--available is for multi-modal',
           more=' --available rgb'),
    Case('work dir without a run', ['checkpoint missing', 'mmfkd train'],
         command='test {root}/rgb.py best --work-dir {root}/run'),
    Case('no data to test on', ['no test_dataloader'], command=(
        'test {root}/rgb.py {root}/rgb.pth --cfg-options test_dataloader=None')),
    *(Case(f'export of a checkpoint that is {what}', parts, change,
           'export {root}/rgb.py {root}/rgb.pth -o {root}/out') for what, change, parts in (
        ('missing', gone('rgb.pth'), [r'rgb\.pth']),
        ('cut', cut('rgb.pth', 0.7), ['truncated']),
        ('a program', weights('rgb.pth', dict(state_dict={}, x=Runs())), ['could run']))),
    # Other commands.
    Case('unknown command', ["there is no command 'trian'"], command='trian'),
    Case('unknown data set', ["there is no dataset 'nyu'"], command='prepare nyu'),
    Case('unknown analysis', ['there is no'], command='analyze x'),
    Case('benchmark without pairs', ['name --pairs'], command='benchmark'),
    Case('benchmark without jobs', ['take 1 or more'],
         command='benchmark --pairs synthetic_depth2rgb --jobs 0'),
    Case('composed file is there', ['is there already'],
         command='compose kd synthetic_depth2rgb -o {root}/rgb.py'),
    Case('composed file of another suffix', ['must end in .py'],
         command='compose kd synthetic_depth2rgb -o {root}/x.txt'),
    *(Case(f'{name} is not prepared', [f'{name}|does not exist|missing'],
           command=f'prepare {name} {{root}}/data')
      for name in ('cremad', 'ave', 'vggsound', 'crisismmd', 'msrs', 'mvss', 'fmb')),
    *(Case(f'folder of {name} is missing', ['does not exist|missing'],
           command=f'prepare {name} {{root}}/none')
      for name in ('cremad', 'ave', 'vggsound', 'crisismmd', 'msrs', 'mvss', 'fmb', 'nyuv2'))]
