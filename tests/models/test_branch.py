import re

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.models import SegDataPreProcessor

from mmfkd.config import load_config
from mmfkd.models import FramePooling
from mmfkd.models.branch import Branch, Normalize
from mmfkd.models.far_values import warn_of_far_values

RGB = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


@pytest.mark.parametrize(('norm', 'shape', 'dtype'), [
    (dict(**RGB, bgr_to_rgb=True), (3, 8, 6), torch.uint8),
    (dict(**RGB, bgr_to_rgb=False), (3, 8, 6), torch.uint8),
    (dict(mean=[2841.95], std=[1417.26]), (1, 8, 6), torch.float32),
])
def test_normalisation_is_mmsegs(norm, shape, dtype, stub_branch):
    images = [(torch.rand(shape) * 255).to(dtype) for _ in range(2)]
    branch = stub_branch(lambda x, samples: x, 'm', norm=norm)
    ours = branch(dict(m=torch.stack(images)))[0]
    theirs = SegDataPreProcessor(**norm)(dict(inputs=images))['inputs']
    assert ours.dtype == torch.float32
    assert torch.equal(ours, theirs)


def test_mean_and_std_follow_the_order_after_the_flip():
    image = torch.tensor([10.0, 20.0, 30.0]).view(1, 3, 1, 1)
    out = Normalize(mean=[30, 0, 0], std=[1, 2, 5], bgr_to_rgb=True)(image)
    assert out.flatten().tolist() == [0, 10, 2]


def test_any_number_of_channels_is_normalised():
    out = Normalize(mean=[0, 1, 2, 3], std=[1, 1, 1, 2])(torch.full((1, 4, 2, 2), 5))
    assert out[0, :, 0, 0].tolist() == [5, 4, 3, 1]


def test_without_norm_values_pass_as_float(stub_branch):
    x = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    out = stub_branch(lambda x, samples: x)(dict(rgb=x))[0]
    assert out.dtype == torch.float32 and np.array_equal(out, x)


def test_normalising_leaves_the_batch_as_it_was(stub_branch):
    x = torch.rand(2, 3, 4, 4)
    before = x.clone()
    stub_branch(lambda x, samples: x, norm=dict(**RGB, bgr_to_rgb=True))(dict(rgb=x))
    assert torch.equal(x, before)


def test_a_channel_mismatch_says_both_counts(stub_branch):
    branch = stub_branch(lambda x, samples: x, norm=RGB)
    with pytest.raises(ValueError, match='the input has 1 channels, but mean and std have 3'):
        branch(dict(rgb=torch.zeros(2, 1, 4, 4)))


def test_values_of_another_unit_than_norm_are_told_once(stub_branch, caplog):
    MMLogger.get_instance('units', logger_name='units').addHandler(caplog.handler)
    norm = dict(rgb=RGB, thermal=dict(mean=[127.0], std=[70.0]))
    branch = stub_branch(lambda x, samples: x, ['rgb', 'thermal'], norm=norm)
    batch = dict(rgb=torch.full((2, 3, 4, 4), 255, dtype=torch.uint8),
                 thermal=torch.full((2, 1, 4, 4), 29500.0))
    for mode in ('predict', 'loss'):
        branch(batch, mode=mode)
    assert caplog.text.count('norm of ') == 1 and 'norm of thermal: its first batch' in caplog.text
    assert 'mean 29500, which is 420 standard deviations' in caplog.text
    assert 'mmfkd analyze values' in caplog.text


def test_an_unknown_argument_of_a_part_is_located():
    model = dict(_scope_='mmpretrain', type='ImageClassifier',
                 backbone=dict(type='ResNet', depth=18, init_cgf=None))
    model['head'] = dict(type='LinearClsHead', init_cgf=None)  # which is built later
    with pytest.raises(ValueError, match='model of the branch of rgb: backbone.init_cgf is no arg.*'
                                         "did you mean 'init_cfg'"):
        Branch(model, 'rgb')


@pytest.mark.parametrize(('mean', 'std'), [([1, 2, 3], [1, 1]), ([1, 2], [1, 0]), ([1], [-1])])
def test_mean_and_std_must_fit(mean, std):
    with pytest.raises(ValueError, match='same length and std > 0'):
        Normalize(mean, std)


def test_a_missing_modality_says_what_there_is(stub_branch):
    branch = stub_branch(lambda x, samples: x, 'thermal')
    with pytest.raises(KeyError) as error:
        branch(dict(rgb=torch.zeros(1, 3, 2, 2), depth=torch.zeros(1, 1, 2, 2)))
    for part in ('thermal', 'rgb', 'depth', "'modality' of the branch"):
        assert part in str(error.value)


def test_several_modalities_come_as_a_dict_each_with_its_norm(stub_branch):
    norm = dict(rgb=dict(**RGB, bgr_to_rgb=True), depth=dict(mean=[1], std=[2]))
    branch = stub_branch(lambda x, samples: x, ['rgb', 'depth', 'sar'], norm=norm)
    inputs = {name: torch.full((1, c, 2, 2), 5.0)
              for name, c in dict(sar=2, depth=1, rgb=3, other=1).items()}
    out = branch(inputs)[0]
    assert branch.modalities == ('rgb', 'depth', 'sar')
    assert list(out) == ['rgb', 'depth', 'sar']
    assert torch.allclose(out['rgb'], Normalize(**norm['rgb'])(inputs['rgb']))
    assert out['depth'].unique().tolist() == [2]
    assert out['sar'].unique().tolist() == [5]


def test_several_modalities_may_go_without_norm(stub_branch):
    branch = stub_branch(lambda x, samples: x, ['rgb', 'depth'])
    out = branch(dict(rgb=torch.ones(1, 3, 2, 2), depth=torch.ones(1, 1, 2, 2)))[0]
    assert out['rgb'].unique().tolist() == out['depth'].unique().tolist() == [1]


@pytest.mark.parametrize('norm', [RGB, dict(rgb=RGB, dpeth=dict(mean=[1], std=[2]))])
def test_a_norm_that_fits_no_modality_is_refused(norm, stub_branch):
    with pytest.raises(ValueError, match='norm'):
        stub_branch(lambda x, samples: x, ['rgb', 'depth'], norm=norm)


@pytest.mark.parametrize(('argument', 'value'), [
    ('available', ['ir']), ('available', 'rgb'), ('subsets', [['ir']]), ('subsets', ['rgb'])])
def test_a_choice_of_unknown_modalities_names_its_argument(argument, value, stub_branch):
    with pytest.raises(ValueError, match=f"^{argument}: .* is no list of one or more of .*'rgb'"):
        stub_branch(lambda x, samples: x, ['rgb', 'depth'], **{argument: value})


def test_the_checkpoint_holds_the_network_alone(seg_branch):
    keys = Branch(**seg_branch()).state_dict()
    assert keys and all(key.startswith('model.') for key in keys)


def test_statistics_move_with_the_branch(stub_branch):
    branch = stub_branch(lambda x, samples: x, norm=RGB).double()
    assert branch.norms['rgb'].mean.dtype == branch.norms['rgb'].std.dtype == torch.float64


def test_not_recording_takes_no_features(seg_branch):
    branch = Branch(**seg_branch())
    inputs = dict(rgb=torch.zeros(2, 3, 32, 32))
    assert set(branch(inputs)[1]) == {'feat', 'logits'}
    assert branch(inputs, record=False)[1] == {}


# Clips, tokens and pooled taps.

class Clip(torch.nn.Module):
    """A map of every frame, and a neck that averages them."""

    def __init__(self, frames):
        super().__init__()
        self.map = torch.nn.Identity()
        self.neck = FramePooling(frames)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.neck(self.map(inputs))[0]


def test_a_clip_is_folded_into_frames_and_its_taps_are_unfolded():
    clip = torch.rand(2, 3, 5, 4, 6)
    branch = Branch(Clip(3), 'visual', taps=dict(map='map', feat='neck[0]'))
    output, feats, _ = branch(dict(visual=clip))
    assert torch.equal(feats['map'], clip)
    torch.testing.assert_close(output, clip.mean((1, 3, 4)))
    assert torch.equal(feats['feat'], output)


@pytest.mark.parametrize(('shape', 'axes'), [((2, 3, 5, 4, 6), (1, 3, 4)),
                                            ((2, 1, 5, 4, 6), (1, 3, 4)), ((2, 5, 4, 6), (2, 3))])
def test_pooled_taps_are_averaged_over_space_and_frames(shape, axes):
    clip = torch.rand(shape)
    frames = shape[1] if len(shape) == 5 else 1
    branch = Branch(Clip(frames), 'visual', taps=dict(map='map', feat='neck[0]'),
                    pool=['map', 'feat'])
    feats = branch(dict(visual=clip))[1]
    torch.testing.assert_close(feats['map'], clip.mean(axes))
    torch.testing.assert_close(feats['feat'], clip.mean(axes))


def test_frames_of_a_clip_are_normalised_alike(stub_branch):
    clip = torch.rand(2, 3, 3, 4, 4) * 255
    norm = dict(**RGB, bgr_to_rgb=True)
    folded = stub_branch(lambda x, samples: x, norm=norm)(dict(rgb=clip))[0]
    single = stub_branch(lambda x, samples: x, norm=norm)(dict(rgb=clip[:, 1]))[0]
    assert torch.equal(folded.unflatten(0, (2, 3))[:, 1], single)


def test_tokens_stay_indices(stub_branch):
    tokens = torch.tensor([[101, 7, 102, 0]])
    out = stub_branch(lambda x, samples: x, 'text')(dict(text=tokens))[0]
    assert out.dtype == torch.int64 and torch.equal(out, tokens)


def test_a_pooled_tap_must_exist(stub_branch):
    with pytest.raises(ValueError, match=r"pool names \['feet'\], but the taps are \['feat'\]"):
        stub_branch(lambda x, samples: x, taps=dict(feat=''), pool=['feet'])


def test_frame_pooling_refuses_a_batch_that_is_no_clip():
    with pytest.raises(ValueError, match='5 images are no multiple of frames=3'):
        FramePooling(3)(torch.rand(5, 2, 3, 3))


@pytest.mark.parametrize(('values', 'mean', 'std', 'warns'), [
    (-12.8 + 1.55 * torch.randn(16, 1, 129, 31), 127.0, 70.0, True),
    (-12.8 + 1.55 * torch.randn(16, 1, 129, 31), -12.8, 0.1, True),
    (-12.8 + 1.55 * torch.randn(16, 1, 129, 31), -16.0, 2.5, False),
    (torch.full((2, 1, 8, 8), 10.0), 123.0, 58.0, False),  # nothing at all to be seen
    (torch.arange(2048.0).view(2, 1, 32, 32) // 2047 * 255, 123.0, 58.0, False),  # a night, a lamp
])
def test_a_norm_of_another_spread_than_the_values_is_told(values, mean, std, warns, caplog):
    MMLogger.get_instance('spread', logger_name='spread').addHandler(caplog.handler)
    warn_of_far_values('sound', values, (values - mean) / std)
    assert ('a channel spreads over' in caplog.text) == warns == ('norm of sound' in caplog.text)


@pytest.mark.parametrize(('network', 'values', 'told'), [
    # A night: far below the mean of a norm, but what is to be fused.
    ('cddfuse', 3 * torch.rand(2, 3, 64, 64), None),
    ('cddfuse', 255 * torch.rand(2, 3, 64, 64), None),
    ('cddfuse', 65535 * torch.rand(2, 3, 64, 64), r'norm of rgb: .* takes 0 to 1\. Set scale of'),
    ('cddfuse', -9 * torch.rand(2, 3, 64, 64), r'norm of rgb: .* takes 0 to 1\. Set scale of'),
    ('cen', 0.01 * torch.rand(2, 3, 64, 64), 'norm of rgb: .* mmfkd analyze values')])
def test_a_network_that_declares_its_values_is_given_no_norm_of_others(network, values, told,
                                                                       caplog):
    MMLogger.get_instance('range').addHandler(caplog.handler)
    branch = Branch(**load_config(f'{network}/streets_rgb-ir').model.students.student)
    branch.prepare(dict(rgb=values))
    assert bool(re.search(told or 'norm of', caplog.text)) == bool(told)
    assert network == 'cen' or 'analyze values' not in caplog.text
