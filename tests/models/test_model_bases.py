"""The model bases of configs/_base_/models/: each builds, and its taps have the widths it says."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from runs import ROOT

from mmfkd.models import CrossModalDistiller

BASES = sorted(path.stem for path in (ROOT / 'configs/_base_/models').glob('*.py'))
IMAGE, MAP = (3, 64, 64), (3, 96, 96)
# The shape of a sample, and what is changed for a test: no weights, small images, few classes.
INPUTS = dict(
    segformer_b0=(MAP, dict(backbone=dict(init_cfg=None), decode_head=dict(num_classes=3))),
    convnext_t_cls=(IMAGE, dict(backbone=dict(init_cfg=None), head=dict(num_classes=3))),
    vit_s_cls=(IMAGE, dict(backbone=dict(init_cfg=None, img_size=64), head=dict(num_classes=3))),
    # Two of twelve layers, whose widths and grid are the same.
    ast_cls=((1, 128, 1024), dict(backbone=dict(config=dict(num_hidden_layers=2)),
                                  head=dict(num_classes=3))),
    minilm_cls=((12,), dict(backbone=dict(pretrained=None, config=dict(
        vocab_size=50, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
        intermediate_size=64)), head=dict(num_classes=3))),
    deeplabv3plus_r18_small=(MAP, dict(decode_head=dict(num_classes=3))),
    deeplabv3plus_r18=(MAP, dict(backbone=dict(init_cfg=None, in_channels=3),
                                 decode_head=dict(num_classes=3))),
    resnet18_cls=(IMAGE, dict(backbone=dict(in_channels=3), head=dict(num_classes=3))),
    mobilenetv2_cls=(IMAGE, dict(backbone=dict(init_cfg=None), head=dict(num_classes=3))),
    bert_cls=((12,), dict(backbone=dict(pretrained=None, config=dict(
        vocab_size=50, num_hidden_layers=4, intermediate_size=64)), head=dict(num_classes=3))))
# The network of timm has tests of its own.
OTHERS = {'deeplabv3plus_effb3'}


def test_every_base_is_tested():
    assert set(BASES) == {*INPUTS, *OTHERS}


@pytest.mark.parametrize('name', INPUTS)
def test_taps_have_the_widths_that_the_base_says(name):
    shape, changes = INPUTS[name]
    cfg = Config.fromfile(ROOT / f'configs/_base_/models/{name}.py')
    cfg.merge_from_dict(dict(model=dict(students=dict(student=dict(model=changes)))))
    init_default_scope('mmfkd')
    spec = cfg.model.students.student
    spec.setdefault('modality', 'x')
    spec.pop('norm', None)
    branch = CrossModalDistiller(students=dict(student=spec)).student.eval()
    for layer in range(1, 5):
        assert {f'layer{layer}', f'pre{layer}'} <= set(spec.taps)
    x = torch.randint(1, 50, (2, *shape)) if len(shape) == 1 else torch.rand(2, *shape)
    with torch.no_grad():
        found = branch({spec.modality: x}, record=['feat', 'logits', *(
            f'layer{i}' for i in range(1, 5))]).feats
    assert found['feat'].shape[1] == cfg.channels['feat'] and found['logits'].shape[1] == 3
    for i, width in enumerate(cfg.channels['stages'], 1):
        assert found[f'layer{i}'].ndim == 4 and found[f'layer{i}'].shape[1] == width


@pytest.mark.parametrize('name', ['segformer_b0', 'convnext_t_cls', 'vit_s_cls'])
def test_weights_of_a_checkpoint_are_those_of_the_network(name, tmp_path):
    _, changes = INPUTS[name]
    cfg = Config.fromfile(ROOT / f'configs/_base_/models/{name}.py')
    head = next(key for key in changes if key != 'backbone')
    small = dict(vit_s_cls=dict(img_size=64)).get(name, {})
    cfg.merge_from_dict(dict(model=dict(students=dict(student=dict(model={
        'backbone': small, head: changes[head]})))))
    init_default_scope('mmfkd')
    spec = cfg.model.students.student
    spec.update(modality='x', norm=None)
    init_cfg = spec.model.backbone.pop('init_cfg')
    prefix = init_cfg.get('prefix', '')
    torch.manual_seed(1)
    kept = CrossModalDistiller(students=dict(student=spec)).student.model
    kept.init_weights()
    weights = {f'{prefix}{key}': value for key, value in kept.backbone.state_dict().items()}
    torch.save(dict(state_dict=weights), tmp_path / 'weights.pth')
    spec.model.backbone.init_cfg = dict(init_cfg, checkpoint=str(tmp_path / 'weights.pth'))
    torch.manual_seed(2)
    model = CrossModalDistiller(students=dict(student=spec)).student.model
    model.init_weights()
    found, wanted = model.backbone.state_dict(), kept.backbone.state_dict()
    assert [key for key in wanted if not torch.equal(found[key], wanted[key])] == []
    if name == 'vit_s_cls':
        spec.model.backbone.init_cfg.type = 'mmfkd.InflatedPretrained'
        with pytest.raises(ValueError, match="draws 'pos_embed' anew .* type='Pretrained'"):
            CrossModalDistiller(students=dict(student=spec)).student.model.init_weights()
