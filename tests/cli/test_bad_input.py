"""Error messages of training on bad input: its last line names the place and the cure.

The command runs on eight 32x32 images in the layout of NYUv2 or OMBRIA. A few cases run it in a
process of its own; the others run the same file here, which saves the seconds of the imports.
"""

import runpy
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from runs import ROOT, check_failure, run, train_command

from mmfkd.registry import MODELS

SIZE = 32
COUNT = 8
SPECS = dict(
    nyuv2=dict(rgb=('.png', (3, 256), np.uint8), depth=('.png', (1, 9000), np.uint16),
               label=('.png', (1, 40), np.uint8)),
    ombria=dict(optical=('.jpg', (3, 256), np.uint8), sar=('.jpg', (1, 256), np.uint8),
                label=('.png', (1, 2), np.uint8)))
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
BRANCH = 'model.students.student'


def write_data(root, name):
    """Eight images for training and one for testing, in the layout of a data set."""
    rng = np.random.default_rng(0)
    for split, count in dict(train=COUNT, test=1).items():
        for kind, (suffix, (channels, high), dtype) in SPECS[name].items():
            folder = root / split / kind
            folder.mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, high, (SIZE, SIZE, channels)).astype(dtype)
                cv2.imwrite(str(folder / f'{i:04d}{suffix}'), image)


def small(config, root):
    """The options that make a config of the project a matter of a second."""
    cfg = Config.fromfile(ROOT / 'configs' / config)
    cfg.merge_from_dict({
        'data_root': str(root),
        'train_cfg.max_epochs': 1,
        'train_dataloader.batch_size': 4,
        'train_dataloader.dataset.subset': None,
        f'{BRANCH}.model.backbone': dict(stem_channels=8, base_channels=8, init_cfg=None),
        f'{BRANCH}.model.decode_head': dict(in_channels=64, channels=8, c1_in_channels=8,
                                            c1_channels=4)})
    for loader in LOADERS:
        cfg.merge_from_dict({f'{loader}.num_workers': 0, f'{loader}.dataset.data_root': str(root)})
    return cfg


@pytest.fixture
def data(tmp_path):
    root = tmp_path / 'data'
    write_data(root, 'nyuv2')
    return root


@pytest.fixture
def config(tmp_path, data):
    """The RGB baseline on NYUv2; the name is unique because mmengine keeps runs by name."""
    path = tmp_path / f'{tmp_path.name}.py'
    small('unimodal/nyuv2_rgb.py', data).dump(path)
    return path


@pytest.fixture
def teacher(tmp_path, data):
    """The config of a depth teacher and a checkpoint with its random weights."""
    cfg = small('unimodal/nyuv2_depth.py', data)
    cfg.dump(tmp_path / 'teacher.py')
    save(cfg.model, tmp_path / 'teacher.pth')
    return tmp_path / 'teacher.py', tmp_path / 'teacher.pth'


@pytest.fixture
def pair(tmp_path, data, teacher):
    """FDKD from that teacher to RGB, which takes the teacher though it has learned nothing."""
    path = tmp_path / f'{tmp_path.name}.py'
    cfg = small('fdkd/nyuv2_depth2rgb.py', data)
    cfg.model.teachers.teacher = dict(config=str(teacher[0]), checkpoint=str(teacher[1]))
    cfg.default_hooks.teacher_report.refuse = False
    cfg.dump(path)
    return path


def save(model, path):
    torch.save(dict(meta={}, state_dict=MODELS.build(model).state_dict()), path)


def fails_as_command(config, options, *parts):
    """The same in a process of its own, with its exit code and what it prints last."""
    work_dir, arguments = train_command(config, options)
    result = run(sys.executable, *arguments, check=False)
    assert result.returncode != 0, result.stdout
    check_failure(result.stderr.strip().splitlines()[-1], work_dir, parts)


def cut(path):
    path.write_bytes(path.read_bytes()[:200])


# As users meet it: the command in a process of its own.

def test_command_says_which_config_does_not_exist(tmp_path):
    fails_as_command(tmp_path / 'nothing.py', [], tmp_path / 'nothing.py', 'does not exist',
                     'lists the configs')


def test_command_names_a_truncated_image_met_by_a_worker(config, data):
    cut(data / 'train/rgb/0003.png')
    fails_as_command(config, ['train_dataloader.num_workers=1'], data / 'train/rgb/0003.png',
                     'truncated', 'Copy it again or remove it')


def test_command_says_how_to_train_a_missing_teacher(pair, teacher):
    teacher[1].unlink()
    fails_as_command(pair, [], teacher[1], 'missing', f'mmfkd train {teacher[0]}')


def test_command_stops_at_a_loss_that_is_not_finite(config):
    fails_as_command(config, ['optim_wrapper.optimizer.lr=1e30'], 'student.decode.loss_ce',
                     'is not finite at iteration 2', 'learning rate', 'clip_grad')


# Data.

def test_small_data_trains(config, tmp_path, monkeypatch):
    """Or every failure below would prove nothing."""
    work_dir, arguments = train_command(config, [])
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, 'argv', arguments)
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(arguments[0], run_name='__main__')
    assert caught.value.code is None
    assert (work_dir / 'epoch_1.pth').is_file() and (work_dir / 'summary.json').is_file()


def test_missing_data(fails, config, data):
    data.rename(data.with_name('elsewhere'))
    fails(config, [], data / 'train/rgb', 'does not exist', 'mmfkd prepare', 'data_root')


def test_missing_folder_of_labels(fails, config, data):
    (data / 'train/label').rename(data / 'train/labels')
    fails(config, [], data / 'train/label', 'does not exist', 'data_root')


def test_a_test_set_that_is_missing_stops_a_run_before_it_starts(fails, config, data):
    (data / 'test/rgb').rename(data / 'test/colour')
    fails(config, [], data / 'test/rgb', 'does not exist', 'That is the test set',
          'test_dataloader=None')


def test_labels_that_only_some_samples_have(fails, config, data):
    (data / 'train/label/0002.png').unlink()
    fails(config, [], data / 'train/label', '1 of 8 files of "label"', "say labels='some'")


def test_channels_that_do_not_fit_the_network(fails, config):
    fails(config, [f'{BRANCH}.model.backbone.in_channels=1'], 'the network of rgb (4, 3, 32, 32)',
          'in_channels of its first layer')


def test_data_root_as_one_option_is_heeded(fails, config, data):
    """The cure that the message names must not be ignored in silence."""
    data.rename(data.with_name('elsewhere'))
    other = data.with_name('other')
    fails(config, [f'data_root={other}'], other)


@pytest.mark.parametrize('name, path', [
    ('nyuv2', 'train/depth/0002.png'), ('nyuv2', 'train/label/0002.png'),
    ('ombria', 'train/sar/0002.jpg')])
def test_files_that_do_not_pair_up(fails, tmp_path, name, path):
    root, config = tmp_path / 'pairs', tmp_path / f'{tmp_path.name}.py'
    write_data(root, name)
    modality = dict(nyuv2='rgb', ombria='optical')[name]
    small(f'unimodal/{name}_{modality}.py', root).dump(config)
    (root / path).unlink()
    fails(config, [], (root / path).parent, '1 of 8 files', (root / path).name,
          'add these or remove')


# A baseline of RGB would not read depth.
BOTH = ['train_dataloader.dataset.modalities=[rgb,depth]']


def test_sizes_of_modalities_differ(fails, config, data):
    path = data / 'train/depth/0005.png'
    cv2.imwrite(str(path), np.zeros((SIZE, SIZE + 8), np.uint16))
    fails(config, BOTH, f'{path} 32x40', f"{data / 'train/rgb/0005.png'} 32x32", 'resize or crop')


def test_label_outside_the_classes(fails, config, data):
    path = data / 'train/label/0006.png'
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    label[4, 7] = 40
    cv2.imwrite(str(path), label)
    fails(config, [], path, 'label 40', '40 classes', 'metainfo.classes')


@pytest.mark.parametrize('kind', ['depth', 'label'])
def test_truncated_png(fails, config, data, kind):
    path = data / 'train' / kind / '0001.png'
    cut(path)
    fails(config, BOTH, path, 'truncated', 'Copy it again or remove it')


def test_modality_that_the_data_set_lacks(fails, config):
    fails(config, ['train_dataloader.dataset.modalities=[thermal]'], 'thermal',
          "['rgb', 'depth']")


def test_fewer_images_than_a_batch(fails, config):
    """With drop_last no batch is whole: nothing would be trained and yet reported."""
    fails(config, ['train_dataloader.batch_size=16'], 'batch_size')


def test_no_image_left_to_validate(fails, config):
    fails(config, ['val_dataloader.dataset.val_fraction=0.01'], 'val_fraction')


def test_misspelt_argument_of_a_data_set(fails, config):
    fails(config, ['+train_dataloader.dataset.spilt=train'], config,
          'train_dataloader.dataset.spilt is no argument there', "did you mean 'split'?")


# Model.

def test_modality_that_the_branch_lacks(fails, config):
    fails(config, [f'{BRANCH}.modality=thermal'], "['thermal']", "['rgb', 'depth']",
          "'modality' of the branch")


def test_unknown_place_of_a_tap(fails, config):
    fails(config, [f'{BRANCH}.taps.feat=backbone.layer9'], "'feat'", 'backbone.layer9', 'Close:',
          'backbone.layer4')


def test_unknown_tap_of_a_loss(fails, pair):
    fails(pair, ['model.losses.loss_fdkd.student=student.feet'], 'losses.loss_fdkd.student',
          'student.feet', 'Known: student.feat, student.logits, ', 'teacher.feat, teacher.logits')


def test_taps_of_different_shapes(fails, pair):
    fails(pair, ['model.losses.loss_fdkd.student=student.logits'], "'student.logits'",
          "'teacher.feat'", '(4, 40,', '(4, 64,',
          "adapter=dict(type='Conv2d', in_channels=40, out_channels=64, kernel_size=1)")


# Teacher.

def test_checkpoint_of_another_width(fails, pair, teacher, data):
    cfg = small('unimodal/nyuv2_depth.py', data)
    cfg.model.students.student.model.decode_head.channels = 16
    save(cfg.model, teacher[1])
    fails(pair, [], teacher[1], 'another architecture', 'decode_head.', '16', 'instead of',
          'Use the config that it was trained with')


def test_checkpoint_of_another_modality(fails, pair, teacher, data):
    save(small('unimodal/nyuv2_rgb.py', data).model, teacher[1])
    fails(pair, [], teacher[1], 'another architecture', '1 of another shape', 'backbone.conv1',
          '(8, 3, 7, 7) instead of (8, 1, 7, 7)')


def test_checkpoint_without_weights(fails, pair, teacher):
    torch.save(dict(meta={}), teacher[1])
    fails(pair, [], teacher[1], 'no weights', 'state_dict')


def test_truncated_checkpoint(fails, pair, teacher):
    teacher[1].write_bytes(teacher[1].read_bytes()[:-1000])
    fails(pair, [], teacher[1], 'truncated', 'Train or copy it again')


def test_config_of_the_teacher_is_missing(fails, pair, teacher):
    teacher[0].unlink()
    fails(pair, [], teacher[0])


def test_teacher_that_has_learned_nothing(fails, pair, data):
    """Against labels of one class, the answer of random weights is no better than that class."""
    for path in (data / 'train/label').iterdir():
        cv2.imwrite(str(path), np.full((SIZE, SIZE), 3, np.uint8))
    fails(pair, ['default_hooks.teacher_report.refuse=True'], 'teacher',
          "no better than always answering 'bed'", 'Train it longer', 'refuse=False')


# Losses.

def test_weight_of_a_loss_makes_it_infinite(fails, pair):
    """The term that is at fault is named, and not only the sum."""
    fails(pair, ['model.losses.loss_fdkd.low_weight=1e45'], 'loss_fdkd.low', 'is not finite',
          'weight of that loss')
