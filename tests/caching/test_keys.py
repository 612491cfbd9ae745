"""Keys of a teacher's outputs: what changes them, and what does not."""

from pathlib import Path

import pytest
from torch import nn

from mmfkd.caching import output_key
from mmfkd.datasets import ViewedDataset

NETWORK = nn.Linear(1, 1)
WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'b']


def key(**step):
    return output_key(NETWORK, dict(pipeline=[[dict(step, type='LoadTokens')]]), iter(()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a tokenizer and a list of words."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'bert/more').mkdir(parents=True)
    for name in ('words.txt', 'words', 'bert/vocab.txt', 'bert/more/merges.txt'):
        (tmp_path / name).write_text('one')
    return tmp_path


@pytest.mark.parametrize(('named', 'changed'), [
    ('words.txt', 'words.txt'), ('words', 'words'), ('./words', 'words'), (['words'], 'words'),
    (dict(of=('a', 'words')), 'words'), (Path('words.txt'), 'words.txt'),
    ('bert', 'bert/vocab.txt'), ('bert', 'bert/more/merges.txt'), ('.', 'words')])
def test_a_file_that_a_config_names_in_any_way_is_looked_at(named, changed, folder):
    before = key(tokenizer=named)
    assert key(tokenizer=named) == before
    (folder / changed).write_text('one two')
    assert key(tokenizer=named) != before


def test_a_file_that_comes_into_a_folder_is_seen(folder):
    before = key(tokenizer='bert')
    (folder / 'bert/tokenizer_config.json').write_text('{}')
    assert key(tokenizer='bert') != before


def test_a_run_that_writes_below_a_folder_around_it_changes_no_key(folder):
    before = key(tokenizer='.'), key(tokenizer=str(folder.parent))
    (folder / 'work_dirs/run').mkdir(parents=True)
    (folder / 'work_dirs/run/log').write_text('one')
    assert (key(tokenizer='.'), key(tokenizer=str(folder.parent))) == before


def test_a_split_or_a_modality_is_no_folder_of_that_name(folder):
    settings = dict(split='bert', modality='bert')
    before = key(**settings)
    (folder / 'bert/vocab.txt').write_text('one two')
    assert key(**settings) == before


@pytest.mark.parametrize('text', ['', 'word ' * 2000, 'a\0b', 'words of no file'])
def test_a_text_is_no_file(text, folder):
    before = key(prompt=text)
    (folder / 'words').write_text('one two')
    assert key(prompt=text) == before


@pytest.mark.parametrize('tokenizer', ['bert', 'bert/vocab.txt'])
@pytest.mark.parametrize('changed', ['vocab.txt', 'tokenizer_config.json'])
def test_what_a_tokenizer_reads_is_looked_at(tokenizer, changed, folder):
    contents = {'vocab.txt': '\n'.join(WORDS), 'tokenizer_config.json': '{"do_lower_case": true}'}

    def keyed():
        for name, text in contents.items():
            if not Path('bert', name).exists() or Path('bert', name).read_text() != text:
                Path('bert', name).write_text(text)
        step = dict(type='ForModality', modality='text', transforms=[
            dict(type='TokenizeText', tokenizer=tokenizer)])
        data = ViewedDataset(dict(type='SyntheticTextImage', num_samples=2, pipeline=[step]), 1)
        return output_key(NETWORK, dict(files=data.files), iter(()))

    before = keyed()
    assert keyed() == before
    contents.update({'vocab.txt': '\n'.join([*WORDS, 'c'])} if changed == 'vocab.txt' else {
        'tokenizer_config.json': '{"do_lower_case": false}'})
    assert keyed() != before


def test_what_the_training_itself_keeps_changes_no_key(tmp_path):
    waves = tmp_path / 'waves'

    def keyed():
        settings = dict(pipeline=[dict(type='mmfkd.Cached', folder=str(waves), transforms=[
            dict(type='LoadTokens', vocabulary=str(tmp_path / 'words'))])])
        return output_key(NETWORK, settings, iter(()))

    (tmp_path / 'words').write_text('one')
    before = keyed()
    waves.mkdir()
    (waves / 'a.npy').write_bytes(b'1')
    assert keyed() == before
    (tmp_path / 'words').write_text('one two')
    assert keyed() != before
