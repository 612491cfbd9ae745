import pytest
import torch
from timm import create_model
from torch import nn

from mmfkd.models.branch import Branch
from mmfkd.models.layouts import channels_first, guess, parse_layout
from mmfkd.models.losses import FrequencyDecoupledLoss


def arranged(text, x, size=(8, 12)):
    return channels_first('feat', x, parse_layout('feat', text) if text else None, size)


def test_every_layout_becomes_channels_first():
    """Each value says where it belongs: 100 c + 10 row + column."""
    wanted = (100 * torch.arange(5)[:, None, None] + 10 * torch.arange(2)[:, None]
              + torch.arange(3)).float()[None]
    patches = wanted.flatten(2).transpose(1, 2)
    extra = torch.full((1, 2, 5), -1.0)
    for text, x in (('NCHW', wanted), ('NHWC', wanted.permute(0, 2, 3, 1)), ('NPC', patches),
                    ('2+NPC', torch.cat([extra, patches], 1)), ('NPC2x3', patches), (None, wanted)):
        assert torch.equal(arranged(text, x), wanted), text
    column = wanted.flatten(2).unsqueeze(-1)
    for text, x in (('NLC', patches), ('2+NLC', torch.cat([extra, patches], 1)),
                    ('NCL', wanted.flatten(2))):
        assert torch.equal(arranged(text, x, ()), column), text
    assert torch.equal(arranged(None, wanted[:, :, 0, 0]), wanted[:, :, 0, 0])


@pytest.mark.parametrize(('text', 'shape', 'size', 'message'), [
    (None, (2, 197, 192), (224, 224), r"\(2, 197, 192\), which may have .* as 'place:1\+NPC'"),
    (None, (2, 40, 64), (), "as 'place:NLC'"),
    (None, (2, 7, 7, 768), (224, 224), "of an input of 224x224, so that its channels are the last"),
    ('NHWC', (2, 197, 192), (224, 224), 'which is not NHWC: change its layout'),
    ('NPC', (2, 197, 192), (224, 224),
     r"197 patches are no grid of an image of 224x224.*':1\+NPC'"),
    ('NPC', (2, 196, 192), (), '196 patches are no grid of what is no image')])
def test_what_does_not_fit_is_refused(text, shape, size, message):
    with pytest.raises(ValueError, match=f"tap 'feat' records .*{message}"):
        arranged(text, torch.zeros(shape), size)


@pytest.mark.parametrize('text', ['HWC', 'NC', '1+NHWC', 'NLC2x3', 'N', '-1+NPC'])
def test_layouts_that_there_are_not(text):
    with pytest.raises(ValueError, match="tap 'feat': '.*' is no layout. There are NCHW"):
        parse_layout('feat', text)


@pytest.mark.parametrize(('shape', 'size', 'expected'), [
    ((2, 64, 16, 24), (128, 192), 'NCHW'), ((2, 16, 24, 64), (128, 192), 'NHWC'),
    ((2, 8, 8, 8), (64, 64), 'NCHW'), ((2, 3, 5, 9), (64, 64), None), ((2, 64), (64, 64), None),
    ((2, 196, 8), (224, 224), 'NPC'), ((2, 201, 8), (224, 224), '5+NPC'),
    ((2, 96, 8), (64, 96), 'NPC'), ((2, 21, 16), (64, 64), '5+NPC')])
def test_a_layout_is_guessed_from_the_shape_of_the_image(shape, size, expected):
    assert guess(shape, size) == expected


def frequency_terms(student, teacher):
    loss = FrequencyDecoupledLoss('student.feat', 'teacher.feat')
    return loss(student, teacher)


def test_a_transformer_is_decoupled_along_its_channels():
    """Orthogonal features of D channels give 2 / D, and not 2 / (number of tokens)."""
    vit = dict(_scope_='mmpretrain', type='ImageClassifier',
               backbone=dict(type='VisionTransformer', arch='deit-t', img_size=64, patch_size=16,
                             out_type='cls_token'),
               head=dict(type='VisionTransformerClsHead', num_classes=3, in_channels=192))
    branch = Branch(vit, 'rgb', taps=dict(feat='backbone.layers.11:1+NPC')).eval()
    feat = branch(dict(rgb=torch.rand(2, 3, 64, 64))).feats['feat']
    assert feat.shape == (2, 192, 4, 4)
    low = frequency_terms(torch.randn(64, 192, 4, 4), torch.randn(64, 192, 4, 4))['low']
    assert low.item() == pytest.approx(2 / 192, rel=0.05)
    with pytest.raises(ValueError, match=r"'place:1\+NPC'"):
        wrong = Branch(vit, 'rgb', taps=dict(feat='backbone.layers.11')).eval()
        wrong(dict(rgb=torch.rand(2, 3, 64, 64)))


def test_a_swin_of_timm_has_its_channels_last():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = create_model('swin_tiny_patch4_window7_224', img_size=64, window_size=2,
                                    depths=(1, 1), embed_dim=24, num_heads=(2, 4), num_classes=3)

        def forward(self, inputs, data_samples=None, mode='tensor'):
            return self.net(inputs)

    inputs = dict(rgb=torch.rand(2, 3, 64, 64))
    place = 'net.layers.1'
    with pytest.raises(ValueError, match='its channels are the last axis'):
        Branch(Classifier(), 'rgb', taps=dict(feat=place))(inputs)
    torch.manual_seed(0)
    branch = Branch(Classifier(), 'rgb', taps=dict(feat=f'{place}:NHWC'))
    out = branch(inputs)
    assert out.feats['feat'].shape == (2, 48, 8, 8) and out.recorded['feat'].shape == (2, 8, 8, 48)
    assert torch.equal(out.feats['feat'], out.recorded['feat'].permute(0, 3, 1, 2))
    # Gradients are taken where the network goes on.
    grad, = torch.autograd.grad(out.feats['feat'].square().sum(), [out.recorded['feat']])
    assert torch.equal(grad, 2 * out.recorded['feat'])
