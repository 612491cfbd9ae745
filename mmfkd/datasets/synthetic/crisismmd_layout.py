"""Rendered tweets as files in the layout of CrisisMMD, and a small BERT beside them."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from .seeding import check_size, listed_samples
from .tweets import CLASSES, render_tweet, vocabulary

COLUMNS = ('event_name', 'tweet_id', 'image_id', 'tweet_text', 'image', 'label', 'label_text',
           'label_image', 'label_text_image')
# The set labels more finely than its benchmark, which has these folded into their classes.
FINE_LABELS = dict(
    affected_individuals=('affected_individuals', 'injured_or_dead_people',
                          'missing_or_found_people'),
    infrastructure_and_utility_damage=('infrastructure_and_utility_damage', 'vehicle_damage'))


def write_crisismmd_layout(root: str | Path, num_train: int, num_dev: int, num_test: int,
                           size: Sequence[int] = (64, 64), seed: int = 0,
                           progress: Callable[[list], Iterable] = iter) -> None:
    """Writes tweets as ``root/data_image/EVENT/DATE/TWEET_0.jpg`` and lists of their texts.

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
    samples = listed_samples(counts, seed, CLASSES)
    for number, (split, one_seed, label) in progress(list(enumerate(samples))):
        tweet, name = render_tweet(one_seed, label, size), CLASSES[label]
        fine = FINE_LABELS.get(name, (name,))
        # As long as real ones: a reader that takes them for floats loses their last digits.
        tweet_id = 905_000_000_000_000_001 + number
        image = f"data_image/{tweet['event']}/{1 + number % 28}_9_2017/{tweet_id}_0.jpg"
        (root / image).parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(root / image), tweet['image']):
            raise OSError(f'cannot write {root / image}')
        rows[split].append((tweet['event'], tweet_id, f'{tweet_id}_0', tweet['text'], image,
                            fine[number // len(CLASSES) % len(fine)], name, name,
                            'Positive'))
    for split, lines in rows.items():
        path = root / f'task_humanitarian_text_img_agreed_lab_{split}.tsv'
        with open(path, 'w', newline='') as file:
            csv.writer(file, delimiter='\t', quoting=csv.QUOTE_NONE, quotechar=None,
                       lineterminator='\n').writerows(lines)


def write_tiny_bert(folder: str | Path, seed: int = 0, hidden_size: int = 768,
                    layers: int = 1) -> None:
    """Writes a BERT of random weights and the vocabulary of the tweets, as a pretrained one is.

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
