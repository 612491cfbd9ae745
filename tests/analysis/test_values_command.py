"""mmfkd analyze values: the numbers that norm of a branch needs."""

import re

import numpy as np
import pytest
import torch
from runs import ROOT

from mmfkd.analysis.values import Moments, moments_of
from mmfkd.cli.analyze.values import main

RGB = str(ROOT / 'configs/unimodal/synthetic_rgb.py')
SMALL = ['train_dataloader.dataset.num_scenes=8', 'train_dataloader.dataset.size=(16,24)']


def test_moments_are_those_of_all_values_at_once():
    arrays = [np.random.default_rng(i).normal(1e6 * i, 3, (2, 5, 4 + i)) for i in range(4)]
    moments = Moments()
    for array in arrays:
        moments.add(torch.from_numpy(array))
    together = np.concatenate([array.reshape(2, -1) for array in arrays], 1)
    np.testing.assert_allclose(moments.mean, together.mean(1), rtol=1e-12)
    np.testing.assert_allclose(moments.std, together.std(1), rtol=1e-9)
    np.testing.assert_array_equal(moments.low, together.min(1))
    np.testing.assert_array_equal(moments.high, together.max(1))


def test_clips_count_by_frame_and_tokens_not_at_all():
    clip = torch.arange(24.0).view(2, 3, 2, 2)  # two frames of three channels
    found = moments_of([dict(visual=clip, text=torch.arange(9))])
    assert list(found) == ['visual']
    torch.testing.assert_close(found['visual'].mean, clip.mean((0, 2, 3)).double())


def test_a_sample_of_other_channels_is_named():
    moments = Moments()
    moments.add(torch.zeros(3, 2, 2))
    with pytest.raises(ValueError, match='1 channels after arrays of 3'):
        moments.add(torch.zeros(1, 2, 2))


def test_the_command_prints_the_norm_in_the_order_of_the_branch(capsys):
    main([RGB, '--cfg-options', *SMALL])
    printed = capsys.readouterr().out
    rows = [line.split('│')[2:-1] for line in printed.splitlines() if line.startswith('│ rgb')]
    mean = [float(row[3]) for row in rows]
    line, = re.findall(r'^rgb: (norm=dict.*)$', printed, re.MULTILINE)
    norm = eval(line.removeprefix('norm='))
    assert norm['bgr_to_rgb'] and len(norm['mean']) == 3 and '│ depth ' in printed
    assert norm['mean'] == pytest.approx(mean[::-1], rel=1e-4)
    assert all(0 < value < 255 for value in (*norm['mean'], *norm['std']))


def test_every_modality_of_a_network_of_several_has_its_norm(capsys):
    main([str(ROOT / 'configs/csknet/streets_rgb-ir.py'), '--cfg-options', *SMALL])
    lines = [line for line in capsys.readouterr().out.splitlines() if 'norm=dict' in line]
    assert [line.split(':')[0] for line in lines] == ['rgb', 'ir']


def test_augmentation_of_data_sets_inside_others_is_left_out(capsys, tmp_path):
    path = tmp_path / 'twice.py'
    path.write_text(f"_base_ = [{RGB!r}]\ninner = dict(_base_.train_dataloader.dataset)\n"
                    "inner['pipeline'] = [dict(type='Nothing')]\n"
                    "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', "
                    "times=2, dataset=inner))\n")
    main([str(path), '--cfg-options', *(option.replace('dataset.', 'dataset.dataset.')
                                        for option in SMALL)])
    assert 'rgb: norm=dict' in capsys.readouterr().out


@pytest.mark.parametrize(('arguments', 'message'), [
    (['configs/nothing.py'], 'configs/nothing.py does not exist'),
    ([RGB, '--cfg-options', 'train_dataloader=None'], 'has no train_dataloader.dataset')])
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(SystemExit, match=message):
        main(arguments)


def test_less_than_one_sample_is_refused(capsys):
    with pytest.raises(SystemExit):
        main([RGB, '--samples', '0'])
    assert '--samples 0: take 1 or more' in capsys.readouterr().err


def test_words_have_no_norm_and_the_command_says_so(capsys):
    main(['configs/unimodal/synthetic_text.py', '--samples', '4'])
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == 'text: it comes as tokens or as a wave, which take no norm'


def test_both_of_two_students_have_their_norm(capsys):
    main(['dml/synthetic_depth2rgb', '--cfg-options', *SMALL])
    lines = [line for line in capsys.readouterr().out.splitlines() if 'norm=dict' in line]
    assert [line.split(':')[0] for line in lines] == ['rgb', 'depth']
