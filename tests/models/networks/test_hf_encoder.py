"""HFEncoder: encoders of transformers, from a directory or by their configuration."""

import pytest
import torch
from transformers import ASTConfig, ASTModel, BertConfig, BertModel

from mmfkd.models import HFEncoder

SMALL = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('ast')
    torch.manual_seed(0)
    ASTModel(ASTConfig(**SMALL, num_mel_bins=32, max_length=48)).save_pretrained(path)
    return path


def test_a_spectrogram_is_what_the_model_is_given_in_its_own_order(folder):
    encoder = HFEncoder(str(folder), pooling='pooler', spectrogram=True)
    encoder.init_weights()
    theirs = ASTModel.from_pretrained(folder).eval()
    image = torch.randn(2, 1, 32, 48)
    with torch.no_grad():
        expected = theirs(image[:, 0].transpose(1, 2))
        torch.testing.assert_close(encoder.eval()(image)[0], expected.pooler_output)
        encoder.pooling = 'first'
        torch.testing.assert_close(encoder(image)[0], expected.last_hidden_state[:, 0])
        encoder.pooling = 'mean'
        torch.testing.assert_close(encoder(image)[0], expected.last_hidden_state.mean(1))


def test_weights_are_loaded_by_init_weights_and_not_before(folder):
    torch.manual_seed(1)
    encoder = HFEncoder(str(folder), spectrogram=True)
    expected = ASTModel.from_pretrained(folder).state_dict()
    assert not all(torch.equal(encoder.net.state_dict()[k], expected[k]) for k in expected)
    encoder.init_weights()
    assert all(torch.equal(encoder.net.state_dict()[k], expected[k]) for k in expected)


def test_padding_counts_in_no_mean():
    torch.manual_seed(0)
    config = dict(SMALL, vocab_size=50)
    encoder = HFEncoder(config=dict(config, model_type='bert'), pad_token=0).eval()
    theirs = BertModel(BertConfig(**config)).eval()
    theirs.load_state_dict(encoder.net.state_dict())
    tokens = torch.tensor([[2, 7, 9, 3]])
    padded = torch.cat([tokens, torch.zeros(1, 5, dtype=torch.long)], 1)
    with torch.no_grad():
        expected = theirs(tokens).last_hidden_state.mean(1)
        torch.testing.assert_close(encoder(tokens)[0], expected)
        torch.testing.assert_close(encoder(padded)[0], expected)


def test_every_trained_weight_gets_a_gradient():
    encoder = HFEncoder(config=dict(SMALL, vocab_size=50, model_type='bert'), pad_token=0)
    encoder(torch.tensor([[2, 7, 9, 3]]))[0].square().sum().backward()
    assert [name for name, value in encoder.named_parameters()
            if value.requires_grad and value.grad is None] == []


def test_half_precision_is_nothing_that_a_folder_decides(tmp_path):
    model = ASTModel(ASTConfig(**SMALL, num_mel_bins=32, max_length=48)).to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    encoder = HFEncoder(str(tmp_path), spectrogram=True)
    encoder.init_weights()
    assert encoder(torch.randn(1, 1, 32, 48))[0].dtype == torch.float32


def test_what_it_is_given_wrongly_is_named():
    words = HFEncoder(config=dict(SMALL, vocab_size=50, model_type='bert'), pad_token=0)
    with pytest.raises(ValueError, match='token 50 is beyond the vocabulary of the encoder, 50'):
        words(torch.tensor([[2, 50]]))
    maps = HFEncoder(config=dict(model_type='resnet', embedding_size=8, hidden_sizes=[8, 16],
                                 depths=[1, 1]))
    with pytest.raises(ValueError, match='ResNetModel gives .*, and no tokens: take a transformer'):
        maps(torch.randn(1, 3, 32, 32))


@pytest.mark.parametrize(('arguments', 'error', 'message'), [
    (dict(), ValueError, "needs 'pretrained', the folder of a model, or 'config' with"),
    (dict(config=dict(hidden_size=4)), ValueError, "with its 'model_type'"),
    (dict(config=dict(model_type='berd')), ValueError, "model_type='berd' is none"),
    (dict(pretrained='no/such'), FileNotFoundError, 'no directory with a config.json'),
    (dict(config=dict(model_type='bert'), pooling='max'), ValueError, "pooling='max': choose")])
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        HFEncoder(**arguments)
