"""Check the images, texts and labels of CrisisMMD v2.0, humanitarian task.

ROOT holds, as distributed at https://crisisnlp.qcri.org/crisismmd,

  data_image/...  images
  task_humanitarian_text_img_agreed_lab_{train,dev,test}.tsv
                  lists of the datasplit with agreed labels, moved up into ROOT

Nothing is converted: it is checked that each image can be decoded and that no text is empty.
"""

import argparse
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from mmfkd.datasets.imagetext import FIVE_CLASSES, CrisisMMDDataset
from mmfkd.datasets.preparation.clips import ClipError
from mmfkd.datasets.preparation.processes import run_parallel
from mmfkd.datasets.preparation.splits import PrepareError, count_samples, finish

from .options import list_parser, run_command

SOURCE = 'https://crisisnlp.qcri.org/crisismmd (CrisisMMD v2.0, datasplit with agreed labels)'
LISTS = {split: f'task_humanitarian_text_img_agreed_lab_{split}.tsv'
         for split in ('train', 'dev', 'test')}
PUBLISHED = dict(train=6126, dev=998, test=955)
FORMAT = replace(CrisisMMDDataset.LIST, labels=tuple(FIVE_CLASSES))


def image_fault(path: Path) -> str | None:
    """What is wrong with an image; None if it can be decoded to its end."""
    if not path.is_file():
        return str(ClipError(path, 'there is no such file'))
    try:
        with Image.open(path) as image:
            # Image.verify() reads only the header of a JPEG. At an eighth of the size all of its
            # data is still read.
            image.draft('RGB', (64, 64))
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return str(ClipError(path, f'it cannot be decoded ({error})'))
    return None


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    root = args.root
    missing = [name for name in LISTS.values() if not (root / name).is_file()]
    if missing:
        raise PrepareError(f'{root}: {", ".join(missing)} is missing: get it from {SOURCE}')
    lists = {split: FORMAT.read(root / name) for split, name in LISTS.items()}
    rows = [row for split in lists.values() for row in split]
    paths = list(dict.fromkeys(root / row['image'] for row in rows))
    faults = run_parallel(image_fault, paths, args.workers, partial(tqdm, unit='image'))
    skipped = {path: fault for path, fault in zip(paths, faults, strict=True) if fault}
    for row in rows:
        if not row['tweet_text'].strip():
            path = root / row['image']
            skipped.setdefault(path, str(ClipError(path, 'its text in the list is empty')))
    ready = {split: [root / row['image'] not in skipped for row in rows]
             for split, rows in lists.items()}
    counts: dict[str, dict[str, Any]] = count_samples(ready, PUBLISHED)
    for split, rows in lists.items():
        counts[split]['labels'] = dict(sorted(Counter(row['label'] for row in rows).items()))
        print(f'{split}:', ', '.join(f'{label} {number}'
                                     for label, number in counts[split]['labels'].items()))
    return finish(args, dict(splits=counts), skipped, f'Get them again from {SOURCE}')


def main(argv=None):
    """Reads the options and runs the command."""
    parser = list_parser('crisismmd', __doc__, 'data/crisismmd')
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
