"""The config of mmfkd in an export."""

import shutil
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config

from mmfkd.config import without_init
from mmfkd.config.options import kind_of, reading_loader
from mmfkd.datasets.transforms.text import find_words, small_letters
from mmfkd.inference.opening import EXPORTED

from .mmpretrain_config import explicit_model
from .mmseg_config import dataset_config


def write_student(cfg: Config, spec: dict, out: Path) -> None:
    """Writes the config of mmfkd, which needs nothing outside of the export to predict.

    But for what ``custom_imports`` name. Of joined data sets it has the first, which reads files as
    the others do, and nothing is kept in folders of the training.

    Args:
        cfg: of the run.
        spec: of the student.
        out: the folder of the export.
    """
    dataset = deepcopy(dataset_config(cfg))
    loader = deepcopy(cfg[str(reading_loader(cfg))])
    if 'pipeline' in dataset:
        dataset['pipeline'] = _steps(dataset['pipeline'], out)
    Config(dict(
        **{key: cfg[key] for key in ('custom_imports',) if cfg.get(key)},
        default_scope='mmfkd', test_dataloader=dict(loader, dataset=dataset),
        model=dict(type='CrossModalDistiller', students=dict(student=dict(
            spec, model=explicit_model(without_init(spec['model'])))),
            data_preprocessor=cfg.model.get('data_preprocessor')))).dump(out / EXPORTED)


def _steps(pipeline: Iterable[dict], out: Path) -> list[dict]:
    """Steps that read alike, with a vocabulary in ``out`` and without caches."""
    steps = []
    for step in pipeline:
        if kind_of(step) == 'Cached':
            steps += _steps(step['transforms'], out)
        elif step.get('tokenizer') in (None, 'synthetic'):
            steps.append(step)
        else:
            steps.append(_own_vocabulary(step, out / 'vocab.txt'))
    return steps


def _own_vocabulary(step: dict, words: Path) -> dict:
    own = dict(step, tokenizer=words.name)
    try:
        found = find_words(step['tokenizer'])
    except FileNotFoundError as error:
        print(f'vocab.txt is left out, and mmfkd predict will need it: {error}')
        return own
    shutil.copyfile(found, words)
    # What the file beside the vocabulary says, which stays where it is.
    return dict(own, lowercase=small_letters(found, step.get('lowercase')))
