import csv
import re

import av
import cv2
import numpy as np
import pytest
import soundfile
import torch
from transformers import BertModel, BertTokenizer

from mmfkd.cli.prepare import synthetic
from mmfkd.datasets.synthetic import cremad_layout, tweets
from mmfkd.datasets.synthetic.cremad_layout import write_cremad_layout
from mmfkd.datasets.synthetic.crisismmd_layout import (
    COLUMNS,
    write_crisismmd_layout,
    write_tiny_bert,
)
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.talking_heads import CLASSES, render_clip
from mmfkd.datasets.synthetic.tweets import render_tweet, vocabulary

TSV = 'task_humanitarian_text_img_agreed_lab_{}.tsv'


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def read_clips(root, split):
    return [line.split(',') for line in (root / f'{split}.csv').read_text().splitlines()]


def read_tweets(root, split):
    with open(root / TSV.format(split), newline='') as file:
        return list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))


def first_frames(path):
    """The first frame of each second, and the sound (S,)."""
    with av.open(str(path)) as file:
        frames = [f.to_ndarray(format='bgr24') for f in file.decode(video=0)
                  if float(f.time).is_integer()]
    with av.open(str(path)) as file:
        sound = np.concatenate([f.to_ndarray().ravel() for f in file.decode(audio=0)])
        return frames, sound, file.streams.audio[0].rate


def brightness_differs(stored, rendered):
    """Mean difference in grey levels: files store brightness well and colour coarsely."""
    first, second = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(int)
                     for image in (stored, rendered))
    return np.abs(first - second).mean()


@pytest.mark.parametrize('size', [(64, 64), (33, 47)])
def test_clips_are_read_back_as_rendered(tmp_path, size):
    write_cremad_layout(tmp_path, 7, 3, size=size, seed=4)
    listed = []
    for split, seed, count in (('train', 4, 7), ('test', 5, 3)):
        lines = read_clips(tmp_path, split)
        assert [label for _, label in lines] == [CLASSES[i % 6] for i in range(count)]
        listed += [name for name, _ in lines]
        for index, (name, label) in enumerate(lines):
            assert name.split('_')[2] == label
            clip = render_clip(scene_seed(seed, index), CLASSES.index(label), size)
            path = tmp_path / 'AudioWAV' / f'{name}.wav'
            assert soundfile.info(path).subtype == 'PCM_16'
            wave, rate = soundfile.read(path, dtype='float32')
            assert rate == 16000 and np.abs(wave - clip['audio']).max() < 1e-4
            frames, sound, rate = first_frames(tmp_path / 'VideoFlash' / f'{name}.flv')
            assert len(frames) == 3
            assert abs(len(sound) / rate - len(wave) / 16000) < 0.2
            assert max(map(brightness_differs, frames, clip['visual'])) < 3
    for folder, suffix in (('AudioWAV', '.wav'), ('VideoFlash', '.flv')):
        assert names(tmp_path / folder) == sorted(f'{name}{suffix}' for name in listed)


def test_clip_names_are_unique_as_long_as_there_are_names():
    limit = 6 * 91 * 12 * 4
    labels = [i % 6 for i in range(limit)]
    found = cremad_layout._clip_names(labels)
    assert found[0] == '1001_IEO_NEU_XX' and len(set(found)) == limit
    assert {int(name[:4]) for name in found} == set(range(1001, 1092))
    with pytest.raises(ValueError, match=f'num_train and num_test .* at most {limit}'):
        cremad_layout._clip_names([*labels, 0])


def test_tweets_are_read_back_as_rendered(tmp_path):
    write_crisismmd_layout(tmp_path, 120, 5, 6, size=(24, 32), seed=4)
    ids, fine = [], set()
    for split, seed, count in (('train', 4, 120), ('dev', 5, 5), ('test', 6, 6)):
        rows = read_tweets(tmp_path, split)
        assert len(rows) == count and tuple(rows[0]) == COLUMNS
        for index, row in enumerate(rows):
            tweet = render_tweet(scene_seed(seed, index), index % 5, (24, 32))
            assert row['tweet_text'] == tweet['text'] and row['event_name'] == tweet['event']
            assert row['image_id'] == f"{row['tweet_id']}_0"
            assert row['image'].startswith(f"data_image/{tweet['event']}/")
            assert row['image'].endswith(f"_2017/{row['image_id']}.jpg")
            image = cv2.imread(str(tmp_path / row['image']))
            assert brightness_differs(image, tweet['image']) < 6
            assert row['label_text'] == row['label_image'] == tweets.CLASSES[index % 5]
            fine.add(row['label'])
            ids.append(row['tweet_id'])
    assert len(set(ids)) == len(ids) == len(list(tmp_path.rglob('*.jpg')))
    assert {'injured_or_dead_people', 'missing_or_found_people', 'vehicle_damage'} < fine
    assert any(row['tweet_text'].startswith('"') for row in read_tweets(tmp_path, 'train'))


@pytest.mark.parametrize('write', [lambda root: write_cremad_layout(root, 1, 1, size=(64, 0)),
                                   lambda root: write_crisismmd_layout(root, 1, 1, 1, size=64)])
def test_wrong_sizes_are_named(tmp_path, write):
    with pytest.raises(ValueError, match='size='):
        write(tmp_path)
    assert not names(tmp_path)


def test_bert_knows_every_word(tmp_path):
    state = torch.random.get_rng_state()
    write_tiny_bert(tmp_path, hidden_size=128, layers=2)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (tmp_path / 'vocab.txt').read_text().split() == vocabulary()
    tokenizer, model = (kind.from_pretrained(tmp_path) for kind in (BertTokenizer, BertModel))
    texts = [render_tweet(i, i % 5, (8, 8))['text'] for i in range(500)]
    tokens = tokenizer(texts, padding=True, return_tensors='pt')
    ids = tokens['input_ids']
    assert not (ids == tokenizer.unk_token_id).any()
    assert (ids[:, 0] == vocabulary().index('[CLS]')).all()
    first = tokenizer.convert_ids_to_tokens(ids[0], skip_special_tokens=True)
    assert first == re.findall(r'\w+|[^\w\s]', texts[0].lower())
    output = model(**{name: value[:2] for name, value in tokens.items()}).last_hidden_state
    assert output.shape == (2, ids.shape[1], 128) and len(model.encoder.layer) == 2


def test_bert_weights_follow_the_seed(tmp_path):
    weights = []
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
        write_tiny_bert(tmp_path / name, seed, hidden_size=8)
        weights.append(BertModel.from_pretrained(tmp_path / name).embeddings.word_embeddings.weight)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_bert_that_has_no_heads_is_refused(tmp_path):
    with pytest.raises(ValueError, match='hidden_size=100 .* multiple of 64'):
        write_tiny_bert(tmp_path, hidden_size=100)


def test_tool_replaces_only_what_the_layout_writes(tmp_path):
    main, root = synthetic.main, tmp_path / 'cremad'
    args = [str(root), '--layout', 'cremad', '--size', '16', '16', '--test', '1', '--train']
    main([*args, '2'])
    (root / 'notes.txt').write_text('mine')
    with pytest.raises(SystemExit, match='--overwrite'):
        main([*args, '1'])
    main([*args, '1', '--overwrite'])
    assert names(root) == ['AudioWAV', 'VideoFlash', 'notes.txt', 'test.csv', 'train.csv']
    assert len(names(root / 'AudioWAV')) == len(names(root / 'VideoFlash')) == 2
    (root / 'frames').mkdir()
    with pytest.raises(SystemExit, match='frames was extracted .* remove it'):
        main([*args, '1', '--overwrite'])
    assert len(names(root / 'AudioWAV')) == 2


def test_tool_writes_tweets_and_a_bert(tmp_path):
    main = synthetic.main
    main([str(tmp_path), '--layout', 'crisismmd', '--train', '3', '--dev', '2', '--test', '1',
          '--size', '16', '24'])
    assert [len(read_tweets(tmp_path, split)) for split in ('train', 'dev', 'test')] == [3, 2, 1]
    image = cv2.imread(str(tmp_path / read_tweets(tmp_path, 'dev')[0]['image']))
    assert image.shape == (16, 24, 3)
    assert BertModel.from_pretrained(tmp_path / 'bert').config.hidden_size == 768
    main([str(tmp_path), '--layout', 'crisismmd', '--train', '1', '--dev', '1', '--test', '1',
          '--size', '16', '16', '--overwrite'])
    assert len(list(tmp_path.rglob('*.jpg'))) == 3


def test_tool_refuses_a_split_that_the_layout_lacks(tmp_path, capsys):
    with pytest.raises(SystemExit):
        synthetic.main([str(tmp_path / 'new'), '--dev', '3'])
    assert '--dev: the layout nyuv2 has no such split' in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()
