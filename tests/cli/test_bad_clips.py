"""Error messages of training on bad sound, images, texts and lists; a few digits and tweets."""

import cv2
import numpy as np
import pytest
import soundfile
from mmengine.config import Config
from runs import ROOT

from mmfkd.datasets.synthetic.crisismmd_layout import write_crisismmd_layout, write_tiny_bert

DIGITS = 8


@pytest.fixture
def digits(tmp_path):
    """Eight digits in the layout of the spoken and written ones."""
    root, rng = tmp_path / 'data', np.random.default_rng(0)
    for folder in ('audio', 'image'):
        (root / folder).mkdir(parents=True)
    lines = ['audio,image,label']
    for i in range(DIGITS):
        soundfile.write(root / f'audio/{i}_ann_{i}.wav', rng.uniform(-0.3, 0.3, 3000), 8000)
        cv2.imwrite(str(root / f'image/{i}.png'), rng.integers(0, 256, (28, 28), np.uint8))
        lines.append(f'audio/{i}_ann_{i}.wav,image/{i}.png,{i}')
    for split in ('train', 'test'):
        (root / f'{split}.csv').write_text('\n'.join(lines) + '\n')
    return root


@pytest.fixture
def config(tmp_path, digits):
    """The audio baseline on them; the name is unique because mmengine keeps runs by name."""
    cfg = Config.fromfile(ROOT / 'configs/unimodal/avdigits_audio.py')
    cfg.merge_from_dict({
        'train_cfg.max_epochs': 1, 'train_dataloader.batch_size': 4,
        'model.students.student.model.backbone': dict(stem_channels=8, base_channels=8),
        'model.students.student.model.head.in_channels': 64})
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg.merge_from_dict({f'{loader}.num_workers': 0, f'{loader}.dataset.data_root': str(digits),
                             f'{loader}.dataset.recordings': (0, 50)})
    path = tmp_path / f'{tmp_path.name}.py'
    cfg.dump(path)
    return path


def test_an_empty_wav(config, digits, fails):
    soundfile.write(digits / 'audio/3_ann_3.wav', np.zeros(0), 8000)
    fails(config, [], digits / 'audio/3_ann_3.wav', 'holds no sound', 'take it out of the list')


def test_a_truncated_wav(config, digits, fails):
    path = digits / 'audio/3_ann_3.wav'
    path.write_bytes(path.read_bytes()[:2000])
    fails(config, [], path, 'truncated', 'Copy it again')


def test_a_truncated_image(config, digits, fails):
    path = digits / 'image/5.png'
    path.write_bytes(path.read_bytes()[:200])
    fails(config, ['train_dataloader.dataset.modalities=[audio,visual]'], path,
          'cannot be decoded', 'Copy it again')


def test_missing_files(config, digits, fails):
    for i in (2, 4):
        (digits / f'audio/{i}_ann_{i}.wav').unlink()
    fails(config, [], 'train.csv names 2 files that are missing', 'audio/2_ann_2.wav',
          'audio/4_ann_4.wav', "missing='skip'")


def test_a_label_that_is_no_class(config, digits, fails):
    with (digits / 'train.csv').open('a') as file:
        file.write('audio/3_ann_3.wav,image/3.png,eleven\n')
    fails(config, [], 'train.csv: 1 samples cannot be used', "label 'eleven'", "Classes are ['0'")


def test_a_missing_list(config, digits, fails):
    (digits / 'train.csv').unlink()
    fails(config, [], digits / 'train.csv', 'does not exist', 'mmfkd prepare')


def test_a_wave_shorter_than_a_window(config, fails):
    fails(config, ['train_dataloader.dataset.pipeline.1.seconds=0.01'],
          'a wave of 80 samples is shorter than the window', 'FitLength')


@pytest.fixture
def tweets(tmp_path):
    """The text baseline on eight tweets and a small BERT."""
    root = tmp_path / 'data'
    write_crisismmd_layout(root, 8, 2, 2)
    write_tiny_bert(root / 'bert', hidden_size=16)
    cfg = Config.fromfile(ROOT / 'configs/unimodal/crisismmd_text.py')
    cfg.merge_from_dict({
        'train_cfg.max_epochs': 1, 'train_dataloader.batch_size': 4,
        'model.students.student.model.backbone.pretrained': str(root / 'bert'),
        'model.students.student.model.head.in_channels': 16})
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg.merge_from_dict({f'{loader}.num_workers': 0, f'{loader}.dataset.data_root': str(root)})
        cfg[loader].dataset.pipeline[0].tokenizer = str(root / 'bert')
    path = tmp_path / f'{tmp_path.name}.py'
    cfg.dump(path)
    return path, root


def test_an_empty_text(tweets, fails):
    path, root = tweets
    lines = root / 'task_humanitarian_text_img_agreed_lab_train.tsv'
    table = [line.split('\t') for line in lines.read_text().splitlines()]
    table[3][3] = ' '
    lines.write_text('\n'.join('\t'.join(row) for row in table) + '\n')
    fails(path, [], lines, f'{table[3][2]} has an empty text', "missing='skip'")


def test_a_vocabulary_of_another_model(tweets, fails):
    path, root = tweets
    with (root / 'bert/vocab.txt').open('a') as file:
        file.write('more\nwords\n')
    fails(path, [], root / 'bert/vocab.txt', 'vocab_size=277', 'copy both from one')


def test_no_bert(tweets, fails):
    path, root = tweets
    fails(path, [f'model.students.student.model.backbone.pretrained={root}/none'],
          'config.json, vocab.txt and weights')


def test_a_head_of_another_width_than_bert(tweets, fails):
    path, _ = tweets
    fails(path, ['model.students.student.model.head.in_channels=768'], '768', '16')
