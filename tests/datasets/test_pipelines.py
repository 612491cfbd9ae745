"""Sizes behind a pipeline, read from its config and compared with what the pipeline makes."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmfkd.datasets.pipelines import made_size, steps_of
from mmfkd.registry import TRANSFORMS

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.mark.parametrize(('config', 'modality', 'expected'), [
    ('cremad_audio', 'audio', (257, 299)), ('ave_audio', 'audio', (257, 1004)),
    ('ave_audio', 'visual', (224, 224)), ('avdigits_audio', 'audio', (65, 61)),
    ('avdigits_audio', 'visual', (32, 32)), ('crisismmd_text', 'text', (1, 40)),
    ('ombria96_sar', 'sar', (96, 96)), ('nyuv2_rgb', 'rgb', None)])
def test_sizes_of_the_shipped_pipelines(config, modality, expected):
    cfg = Config.fromfile(CONFIGS / f'unimodal/{config}.py')
    assert made_size(cfg.test_dataloader.dataset.pipeline, modality) == expected


@pytest.mark.parametrize('config', ['cremad_audio', 'avdigits_audio', 'synthetic_audio'])
def test_the_size_of_a_spectrogram_is_what_the_steps_make(config):
    pipeline = Config.fromfile(CONFIGS / f'unimodal/{config}.py').test_dataloader.dataset.pipeline
    rate = next((step['rate'] for step in pipeline if 'rate' in step), 16000)
    results = dict(modalities=dict(audio=np.zeros(9000, np.float32)), sample_idx=0,
                   rates=dict(audio=rate))
    for step in steps_of(pipeline, 'audio'):
        if step['type'] in ('FitLength', 'AddNoise', 'LogSpectrogram'):
            results = TRANSFORMS.build(step)(results)
    assert results['modalities']['audio'].shape == (*made_size(pipeline, 'audio'), 1)


def test_steps_of_other_modalities_are_left_out():
    pipeline = [dict(type='LoadAudio'), dict(type='mmseg.Resize', scale=(8, 4)),
                dict(type='TransformImages', modality='image',
                     transforms=[dict(type='mmpretrain.Resize', scale=(6, 2))])]
    assert [step['type'] for step in steps_of(pipeline, 'audio')] == ['LoadAudio', 'mmseg.Resize']
    assert made_size(pipeline, 'image') == (2, 6) and made_size(pipeline, 'audio') == (4, 8)
