"""Default sizes of the inputs that loss_cost and deploy_cost measure."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from mmengine.config import Config

from mmfkd.analysis.sizes import branch_modalities, sizes_of
from mmfkd.config import compose

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def command(name, *arguments):
    import_module(f'mmfkd.cli.analyze.{name}').main([str(argument) for argument in arguments])


@pytest.mark.parametrize(('pair', 'expected'), [
    ('avdigits_audio2visual', dict(visual=(32, 32), audio=(65, 61))),
    ('emoji_text2image', dict(image=(64, 64), text=(1, 24))),
    ('ombria96_optical2sar', dict(sar=(96, 96), optical=(96, 96))),
    ('mars_aux2gray', dict(gray=(240, 320), aux=(240, 320))),
    ('synthetic_text2image', dict(image=(64, 64), text=(1, 40)))])
def test_inputs_are_as_large_as_the_pipeline_makes_them(pair, expected):
    cfg = compose(pair, 'kd')
    modalities = branch_modalities(cfg.model)
    assert modalities == list(expected)
    assert sizes_of(modalities, cfg.train_dataloader.dataset) == expected
    assert sizes_of(modalities, cfg.train_dataloader.dataset, (7, 9)) == dict.fromkeys(
        expected, (7, 9))


def test_rendered_images_have_the_size_of_their_data_set():
    dataset = Config(dict(data=dict(type='mmfkd.SyntheticEOIR', pipeline=[]))).data
    assert sizes_of(['rgb', 'ir'], dataset) == dict(rgb=(96, 96), ir=(96, 96))
    dataset.size = (48, 64)
    assert sizes_of(['rgb'], dataset) == dict(rgb=(48, 64))


def test_costs_of_a_loss_between_image_and_text(tmp_path):
    command('loss_cost', 'kd/synthetic_text2image', 'loss_kd', '--steps', 1, '--threads', 1,
            '--json', tmp_path / 'cost.json', '--cfg-options', 'train_dataloader.batch_size=16')
    result = json.loads((tmp_path / 'cost.json').read_text())
    assert result['size'] == dict(image=[64, 64], text=[1, 40])
    assert result['batch'] == 16  # that of the config
    assert result['seconds'] > 0 and result['peak'] > 0


def test_costs_of_a_deployed_text_network(capsys):
    command('deploy_cost', 'kd/synthetic_image2text', 'unimodal/synthetic_text', '--steps', 1)
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].strip() == 'text 1 x 40'
    assert printed.count('1.000, 1.000') == 2
