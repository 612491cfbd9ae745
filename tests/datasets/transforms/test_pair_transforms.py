"""Images, clips, texts and packing of samples without a common geometry."""

import json

import cv2
import numpy as np
import pytest
import torch
from transformers import BertTokenizer

from mmfkd.datasets.transforms import (
    AddNoise,
    FitLength,
    LoadAudio,
    LoadFrames,
    LoadImage,
    LogSpectrogram,
    PackPairs,
    TokenizeText,
    TransformImages,
)

WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'flood', 'in', 'town', '##s', 'help',
         '!', '#']


def on(transform, **modalities):
    return transform(dict(modalities=modalities, img_path='x'))['modalities']


@pytest.fixture
def clip(tmp_path):
    """Ten frames, each of one grey value that says its second."""
    for second in range(10):
        cv2.imwrite(str(tmp_path / f'{second:05d}.jpg'), np.full((8, 12, 3), 20 * second, np.uint8))
    return str(tmp_path)


def seconds(frames):
    return [round(float(frame.mean()) / 20) for frame in frames]


# Clips.

@pytest.mark.parametrize(('count', 'expected'), [(1, [5]), (3, [1, 5, 8]), (10, list(range(10)))])
def test_evaluation_takes_the_middle_of_each_part(clip, count, expected):
    assert seconds(on(LoadFrames(num_frames=count), visual=dict(folder=clip))['visual']) == expected


def test_training_takes_any_frame_of_each_part(clip):
    drawn = [seconds(on(LoadFrames(num_frames=3, random=True), visual=dict(folder=clip))['visual'])
             for _ in range(200)]
    first, second, third = (set(column) for column in zip(*drawn, strict=True))
    assert first == {0, 1, 2, 3} and second == {3, 4, 5, 6} and third == {6, 7, 8, 9}


def test_a_part_of_a_clip_takes_both_ends(clip):
    span = dict(folder=clip, start=4.0, end=6.0)
    assert seconds(on(LoadFrames(num_frames=3), visual=span)['visual']) == [4, 5, 6]


def test_few_frames_are_repeated(clip):
    span = dict(folder=clip, start=8.0, end=9.0)
    assert seconds(on(LoadFrames(num_frames=4), visual=span)['visual']) == [8, 8, 9, 9]


def test_a_clip_without_frames_is_named(clip, tmp_path):
    (tmp_path / 'none').mkdir()
    with pytest.raises(ValueError, match='none holds no frames: extract them'):
        on(LoadFrames(), visual=dict(folder=str(tmp_path / 'none')))
    with pytest.raises(ValueError, match='holds no frames from 50 to 60 s'):
        on(LoadFrames(), visual=dict(folder=clip, start=50, end=60))


def test_a_broken_frame_is_named(clip):
    (path := f'{clip}/00005.jpg') and open(path, 'wb').write(b'\xff\xd8no jpeg')
    with pytest.raises(ValueError, match='00005.jpg cannot be decoded'):
        on(LoadFrames(), visual=dict(folder=clip))


# Images.

def test_an_image_keeps_the_axis_of_a_single_channel(tmp_path):
    grey = np.arange(96, dtype=np.uint8).reshape(8, 12)
    cv2.imwrite(str(tmp_path / 'a.png'), grey)
    loader = dict(type='LoadImageFromFile', color_type='grayscale')
    image = on(LoadImage('visual', loader), visual=dict(path=str(tmp_path / 'a.png')))['visual']
    assert np.array_equal(image, grey[..., None])
    resized = on(TransformImages('visual', [dict(type='mmpretrain.Resize', scale=(6, 4))]),
                 visual=image)['visual']
    assert resized.shape == (4, 6, 1)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.jpg does not exist'):
        on(LoadImage('image'), image=dict(path=str(tmp_path / 'gone.jpg')))


def test_each_frame_is_transformed_for_itself():
    frames = [np.full((40, 40, 3), value, np.uint8) for value in (10, 200)]
    for frame in frames:
        frame[:, :20] = 0
    steps = [dict(type='mmpretrain.RandomResizedCrop', scale=16),
             dict(type='mmpretrain.RandomFlip', prob=0.5)]
    out = on(TransformImages('visual', steps), visual=frames)['visual']
    assert [frame.shape for frame in out] == [(16, 16, 3)] * 2
    assert out[0].max() == 10 and out[1].max() == 200
    assert not np.array_equal(out[0] > 0, out[1] > 0)


@pytest.mark.parametrize('transform', [LoadFrames(), LoadImage('visual'),
                                       TransformImages('visual', [])])
def test_without_the_modality_nothing_is_done(transform):
    assert on(transform, audio=1) == dict(audio=1)


# Text.

@pytest.fixture
def bert(tmp_path):
    (tmp_path / 'vocab.txt').write_text('\n'.join(WORDS) + '\n')
    (tmp_path / 'config.json').write_text(json.dumps(dict(vocab_size=len(WORDS),
                                                          model_type='bert')))
    return tmp_path


def tokens(transform, text):
    return on(transform, text=text)['text']


@pytest.mark.parametrize('name', ['', 'vocab.txt'])
def test_tokens_are_those_of_transformers(bert, name):
    text = 'Floods in a town! #HELP zebra'
    ours = tokens(TokenizeText(str(bert / name), max_length=16), text)
    theirs = BertTokenizer.from_pretrained(str(bert))(text, padding='max_length', max_length=16)
    assert ours.dtype == np.int64 and ours.tolist() == theirs['input_ids']
    assert ours.tolist()[:4] == [2, WORDS.index('flood'), WORDS.index('##s'), WORDS.index('in')]


def test_thousands_of_words_are_cut(bert):
    ids = tokens(TokenizeText(str(bert), max_length=12), 'flood ' * 5000)
    assert ids.tolist() == [2, *[WORDS.index('flood')] * 10, 3]


@pytest.mark.parametrize('text', ['', '  \n'])
def test_an_empty_text_is_named(bert, text):
    with pytest.raises(ValueError, match="text of x is empty: .*missing='skip'"):
        tokens(TokenizeText(str(bert)), text)


def test_capitals_are_kept_where_the_tokenizer_of_the_model_does(tmp_path):
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'Berlin', 'berlin', 'is', 'Zürich']
    (tmp_path / 'vocab.txt').write_text('\n'.join(words), encoding='utf-8')

    def tokens(**options):
        return TokenizeText(str(tmp_path), max_length=5, **options)(
            dict(modalities=dict(text='Berlin is Zürich')))['modalities']['text'].tolist()
    assert tokens() == [2, 6, 7, 1, 3] and tokens(lowercase=False) == [2, 5, 7, 8, 3]
    (tmp_path / 'tokenizer_config.json').write_text('{"do_lower_case": false}')
    assert tokens() == tokens(lowercase=False) == [2, 5, 7, 8, 3]
    with pytest.raises(ValueError, match='lowercase=True, but .*tokenizer_config.json has do'):
        tokens(lowercase=True)


def test_a_vocabulary_of_another_model_is_refused(bert):
    (bert / 'vocab.txt').write_text('\n'.join([*WORDS, 'more', 'words']))
    with pytest.raises(ValueError, match='15 words, but .*config.json has vocab_size=13'):
        TokenizeText(str(bert))


def test_a_file_that_is_no_vocabulary_is_refused(tmp_path):
    (tmp_path / 'vocab.txt').write_text('[PAD]\nhello\n[UNK]\n')
    with pytest.raises(ValueError, match=r'has no \[CLS\], \[SEP\]'):
        TokenizeText(str(tmp_path / 'vocab.txt'))


def test_a_directory_without_a_vocabulary_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='vocab.txt does not exist'):
        TokenizeText(str(tmp_path))


def test_a_tokenizer_that_is_nowhere_says_what_to_download(monkeypatch):
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)
    with pytest.raises(FileNotFoundError, match="'nowhere/bert' is no directory.*hf download"
                       .replace('.*', '(.|\n)*')):
        TokenizeText('nowhere/bert')


# Packing.

def test_packing_puts_channels_first_and_keeps_the_label():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    packed = PackPairs()(dict(
        modalities=dict(image=image, clip=[image, image[::-1]], text=np.array([2, 3]),
                        audio=np.zeros((5, 7, 1), np.float32)),
        gt_label=3, img_path='x', sample_idx=9))
    inputs = packed['inputs']
    assert torch.equal(inputs['image'], torch.from_numpy(image).permute(2, 0, 1))
    assert torch.equal(inputs['clip'][1], inputs['image'].flip(1))
    assert inputs['clip'].shape == (2, 3, 2, 4) and inputs['audio'].shape == (1, 5, 7)
    assert inputs['text'].dtype == torch.int64 and inputs['image'].dtype == torch.uint8
    assert packed['data_samples'].gt_label.tolist() == [3]
    assert packed['data_samples'].sample_idx == 9


@pytest.mark.parametrize(('value', 'step'), [('a text', 'TokenizeText'),
                                             (dict(path='a.png'), 'LoadImage')])
def test_what_is_not_loaded_is_named_when_it_is_packed(value, step):
    with pytest.raises(ValueError, match=f"'one' is not loaded: put .*'{step}', mod"):
        PackPairs()(dict(modalities=dict(one=value), img_path='x'))


@pytest.mark.parametrize(('step', 'value', 'message'), [
    (LoadAudio('one'), 'a text', "a text, but LoadAudio reads a file: .*dict\\(one='path'\\)"),
    (LoadImage('one'), 'a text', 'a text, but LoadImage reads a file: say columns'),
    (LoadImage('one'), dict(folder='x'), 'a folder, but LoadImage reads a file'),
    (LoadImage('one'), np.zeros((2, 2, 3)), 'loaded already where LoadImage'),
    (LoadFrames('one'), dict(path='x'), 'a file, but LoadFrames reads a folder'),
    (TokenizeText('synthetic', 'one'), dict(path='x'), "a file, but TokenizeText reads a text: say "
                                                       "columns=dict\\(one='text'\\)"),
    (TransformImages('one', []), dict(path='x'), "not loaded: put .*'LoadImage', modality='one'"),
    (AddNoise(0, 'one'), dict(path='x'), "'LoadAudio', .* before AddNoise"),
    (FitLength(1, 'one', rate=8), dict(path='x'), "'LoadAudio', .* before FitLength"),
    (LogSpectrogram('one'), dict(path='x'), "'LoadAudio', .* before LogSpectrogram")])
def test_a_form_that_a_step_does_not_take_is_named(step, value, message):
    with pytest.raises(ValueError, match=f"'one' is {message}|'one' is not loaded: .*{message}"):
        on(step, one=value)
