"""BertEncoder: transformers' own BERT, inside an ImageClassifier, from a directory or a config."""

import pytest
import torch
from mmengine.config import ConfigDict
from transformers import BertModel

from mmfkd.datasets.synthetic.crisismmd_layout import write_tiny_bert
from mmfkd.models import BertEncoder, Branch

CONFIG = dict(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
              intermediate_size=32, max_position_embeddings=20)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('bert')
    write_tiny_bert(path, seed=1, hidden_size=16)
    return path


def classifier(**encoder):
    return ConfigDict(
        _scope_='mmpretrain', type='ImageClassifier',
        backbone=dict(type='mmfkd.BertEncoder', **encoder),
        head=dict(type='LinearClsHead', num_classes=3, in_channels=16,
                  loss=dict(type='CrossEntropyLoss')))


def test_it_computes_what_transformers_computes(folder):
    encoder = BertEncoder(str(folder))
    encoder.init_weights()
    theirs = BertModel.from_pretrained(folder).eval()
    tokens = torch.tensor([[2, 7, 9, 3, 0, 0], [2, 5, 3, 0, 0, 0]])
    expected = theirs(tokens, attention_mask=(tokens != 0).long()).pooler_output
    torch.testing.assert_close(encoder.eval()(tokens)[0], expected)


def test_padding_changes_nothing():
    encoder = BertEncoder(config=CONFIG).eval()
    tokens = torch.tensor([[2, 7, 9, 3]])
    padded = torch.cat([tokens, torch.zeros(1, 5, dtype=torch.long)], 1)
    torch.testing.assert_close(encoder(padded)[0], encoder(tokens)[0])


def test_pretrained_weights_are_loaded_by_init_weights_and_not_before(folder):
    branch = Branch(classifier(pretrained=str(folder)), 'text')
    expected = BertModel.from_pretrained(folder).state_dict()
    own = branch.model.backbone.bert.state_dict()
    key = 'encoder.layer.0.attention.self.query.weight'
    assert not torch.equal(own[key], expected[key])
    branch.init_weights()
    own = branch.model.backbone.bert.state_dict()
    assert own.keys() == expected.keys()
    assert all(torch.equal(own[name], expected[name]) for name in own)


def test_its_feature_can_be_tapped_and_every_weight_gets_a_gradient(cls_batch):
    branch = Branch(classifier(config=CONFIG), 'text', taps=dict(feat='backbone[0]'))
    samples = cls_batch((0, 2))['data_samples']
    losses, feats, _ = branch(dict(text=torch.randint(1, 50, (2, 8))), samples, mode='loss')
    assert feats['feat'].shape == (2, 16)
    losses['loss'].backward()
    assert all(p.grad is not None for p in branch.parameters())


def test_a_token_beyond_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match='token 50 is beyond the vocabulary of the encoder, 50'):
        BertEncoder(config=CONFIG)(torch.tensor([[2, 50, 3]]))


def test_it_needs_weights_or_an_architecture():
    with pytest.raises(ValueError, match="needs 'pretrained' .* or 'config'"):
        BertEncoder()


@pytest.mark.parametrize('name', ['nowhere/bert', 'data/crisismmd/none'])
def test_a_model_that_is_nowhere_says_what_to_download(name, monkeypatch):
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)
    with pytest.raises(FileNotFoundError, match='is not there(.|\n)*hf download'):
        BertEncoder(name)


def test_a_directory_without_a_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='cannot be read(.|\n)*config.json'):
        BertEncoder(str(tmp_path))
