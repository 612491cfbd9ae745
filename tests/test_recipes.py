"""docs/recipes.md and docs/new_sensor.md: every config in them trains, and does what is said."""

import inspect
import re

import cv2
import numpy as np
import pytest
import timm
import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.registry import VISBACKENDS, init_default_scope
from mmengine.runner import Runner, save_checkpoint
from mmpretrain.apis import get_model
from runs import ROOT
from transformers import ViTConfig, ViTForImageClassification

from mmfkd.config import load_config
from mmfkd.models import losses
from mmfkd.models.teachers import build_teacher
from mmfkd.registry import MODELS

PAGE, TEACHERS = ((ROOT / f'docs/{name}.md').read_text() for name in ('recipes', 'new_sensor'))
RECIPES = dict(re.findall(r'```python\n# configs/mine/(\w+)\.py\n(.*?)```', PAGE + TEACHERS,
                          re.DOTALL))
# Their packages are not installed for the tests.
LOGS = ('tensorboard_depth2rgb', 'wandb_depth2rgb', 'mlflow_depth2rgb')
DATA = 'bands_thermal'


def recipe(name, folder):
    """The config of a recipe, on eight samples and one epoch."""
    mine = folder / 'configs/mine'
    mine.mkdir(parents=True, exist_ok=True)
    for other, text in RECIPES.items():
        for named, place in (("'../", ROOT / 'configs'), ("'configs/mine/", mine),
                             ("'configs/", ROOT / 'configs')):
            text = text.replace(named, f"'{place}/")
        (mine / f'{other}.py').write_text(text)
    cfg = load_config(mine / f'{name}.py')
    cfg.work_dir, cfg.experiment_name = str(folder / name), f'{name}_{folder.name}'
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, batch_size=min(4, loader.batch_size))
        for count in ('num_scenes', 'num_samples'):
            if count in loader.dataset:
                loader.dataset[count] = 8
    cfg.default_hooks.pop('prediction_panel', None)
    if 'teacher_report' in cfg.default_hooks:
        cfg.default_hooks.teacher_report.refuse = False
    return cfg


def random_weights(config, path):
    """A checkpoint of a student, saved by mmengine."""
    init_default_scope('mmfkd')
    torch.manual_seed(1)
    model = MODELS.build(config.model)
    save_checkpoint(dict(state_dict=model.state_dict()), str(path))
    return str(path)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    return random_weights(load_config('unimodal/synthetic_depth'),
                          tmp_path_factory.mktemp('teacher') / 'depth.pth')


class FirstWeightsHook(Hook):
    """Keeps the student's weights from before the first step."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 0:
            runner.before = {key: value.clone() for key, value in
                             runner.model.student.state_dict().items()}


@pytest.fixture
def trained(tmp_path, teacher):
    """``trained(name)``: the runner of a recipe, after its epoch."""
    def train(name):
        cfg = recipe(name, tmp_path)
        for spec in (cfg.model.get('teachers') or {}).values():
            if 'synthetic_depth' in spec.get('config', ''):
                spec.checkpoint = teacher
            elif 'config' in spec:
                spec.checkpoint = random_weights(load_config(spec.config), tmp_path / 'wide.pth')
        runner = Runner.from_cfg(cfg)
        runner.register_hook(FirstWeightsHook())
        runner.train()
        return runner
    return train


def moved(runner, part):
    """Whether weights of the student whose names contain something have changed."""
    after = runner.model.student.state_dict()
    keys = [key for key in after if part in key and after[key].is_floating_point()]
    assert keys
    return any(not torch.equal(after[key], runner.before[key]) for key in keys)


def test_the_page_has_the_recipes_that_are_tested_here():
    tested = set(re.findall(r"trained\('(\w+)'\)", open(__file__).read()))
    # The wide network is the teacher of two others.
    assert set(RECIPES) == {*LOGS, *tested, 'wide_rgb'}


@pytest.mark.parametrize('name', LOGS)
def test_logs_take_the_arguments_of_their_recipe(name, tmp_path):
    backends = recipe(name, tmp_path).visualizer.vis_backends
    assert backends[0].type == 'LocalVisBackend'
    arguments = dict(backends[1])
    kind = VISBACKENDS.get(arguments.pop('type'))
    inspect.signature(kind).bind(save_dir=arguments.pop('save_dir', 'x'), **arguments)


def test_early_stopping(trained):
    hook, = (hook for hook in trained('early_depth2rgb').hooks
             if type(hook).__name__ == 'EarlyStoppingHook')
    assert hook.best_score > 0 and hook.patience == 5


def test_moving_average(trained):
    runner = trained('ema_depth2rgb')
    hook, = (hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook')
    assert hook.ema_model.steps == 2


def test_mirrored_images(trained, tmp_path):
    runner = trained('ema_depth2rgb')
    block, = re.findall(r'```python\n(from mmcv import imread.*?)```', PAGE, re.DOTALL)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    names = {}
    exec(block.replace('work_dirs/fdkd/synthetic_depth2rgb', runner.work_dir).replace(
        'image.png', str(tmp_path / 'image.png')), names)
    assert names['mask'].shape == (64, 64) and names['mask'].max() < 4
    scores = (names['plain'].scores, names['mirrored'].scores[..., ::-1])
    np.testing.assert_array_equal(names['mask'], np.add(*scores).argmax(0))


def test_accumulation(trained):
    runner = trained('accumulated_depth2rgb')
    assert runner.iter == 2 and runner.optim_wrapper._accumulative_counts == 4


def test_a_cheaper_step(trained):
    runner = trained('fast_depth2rgb')
    student, teacher = runner.model.student, runner.model.teachers['teacher']
    for branch in (student, teacher):
        weight = branch.model.backbone.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
    assert teacher.autocast == 'bfloat16'
    assert runner.optim_wrapper.optimizer.defaults['fused'] is True
    assert runner.train_dataloader.pin_memory
    assert runner.model.data_preprocessor._non_blocking
    assert moved(runner, 'backbone.layer1') and moved(runner, 'decode_head')


def test_freezing(trained):
    runner = trained('frozen_depth2rgb')
    assert not moved(runner, 'backbone.conv1') and not moved(runner, 'backbone.layer1')
    assert moved(runner, 'backbone.layer2') and moved(runner, 'decode_head')


def test_a_smaller_step_of_a_part(trained):
    groups = trained('slow_backbone_depth2rgb').optim_wrapper.param_groups
    rates = {round(group['initial_lr'] / 0.05, 6) for group in groups}
    assert rates == {0.1, 1.0}


def test_crops_and_windows(trained):
    runner = trained('crops_depth2rgb')
    sample = runner.train_dataloader.dataset[0]
    assert {x.shape[1:] for x in sample['inputs'].values()} == {(48, 48)}
    assert sample['data_samples'].gt_sem_seg.shape == (48, 48)
    sizes = []
    backbone = runner.model.student.model.backbone
    backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[2:]))
    runner.model.eval().test_step(pseudo_collate([runner.test_dataloader.dataset[0]]))
    assert sizes == [(48, 48)] * 4


def test_weights_of_classes(trained):
    loss = trained('weighted_depth2rgb').model.student.model.decode_head.loss_decode
    assert list(loss.class_weight) == [0.5, 0.5, 1.5, 1.5]
    loss = MODELS.build(dict(type='LabelledCrossEntropyLoss', class_weight=[1.0, 3.0]))
    scores, label = torch.tensor([[2.0, 1.0], [0.5, 0.3]]), torch.tensor([0, 1])
    plain = torch.nn.functional.cross_entropy(scores, label, reduction='none')
    torch.testing.assert_close(loss(scores, label), (plain * torch.tensor([1.0, 3.0])).mean())


def test_a_second_loss(trained):
    heads = trained('dice_depth2rgb').model.student.model.decode_head.loss_decode
    assert [type(loss).__name__ for loss in heads] == ['CrossEntropyLoss', 'DiceLoss']


def test_many_bands_and_thermal(trained, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for split, count in (('train', 20), ('test', 2)):
        for name in ('bands', 'thermal', 'label'):
            (tmp_path / 'data/bands' / split / name).mkdir(parents=True)
        for i in range(count):
            place = tmp_path / 'data/bands' / split
            np.save(place / f'bands/{i}.npy', rng.random((32, 32, 12), np.float32))
            cv2.imwrite(str(place / f'thermal/{i}.png'), rng.integers(
                27000, 31000, (32, 32), np.uint16))
            cv2.imwrite(str(place / f'label/{i}.png'), rng.integers(0, 2, (32, 32), np.uint8))
    monkeypatch.chdir(tmp_path)
    runner = trained('bands_thermal')
    inputs = runner.test_dataloader.dataset[0]['inputs']
    assert inputs['bands'].shape == (12, 32, 32)
    raw = cv2.imread(str(tmp_path / 'data/bands/test/thermal/0.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(inputs['thermal'][0].numpy(), raw * 0.01, rtol=1e-6)


def test_a_larger_teacher_of_the_same_modality(trained):
    runner = trained('larger_rgb')
    student, teacher = runner.model.student, runner.model.teachers['teacher']
    assert student.modalities == teacher.modalities == ('rgb',)
    count = [sum(p.numel() for p in branch.parameters()) for branch in (student, teacher)]
    assert count[1] > 3 * count[0]
    assert 'loss_kd.kl' in ' '.join(runner.message_hub.log_scalars)


def test_two_teachers(trained):
    scalars = ' '.join(trained('two_rgb').message_hub.log_scalars)
    assert 'loss_wide.kl' in scalars and 'loss_depth.mse' in scalars


def test_a_network_of_timm_teaches_as_timm_computes(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line, = re.findall(r'^`(torch\.save.*)`:$', TEACHERS, re.MULTILINE)
    torch.manual_seed(0)
    network = timm.create_model('resnet10t', num_classes=5).eval()
    exec(line, dict(torch=torch, network=network))
    runner = trained('timm_image')
    teacher = runner.model.teachers['teacher']
    image = torch.rand(2, 3, 32, 32) * 255
    mean, std = ([[[v]] for v in values] for values in (
        [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]))
    with torch.no_grad():
        expected = network((image.flip(1) - torch.tensor(mean)) / torch.tensor(std))
        found = teacher(dict(image=image)).feats['logits']
    torch.testing.assert_close(found, expected)


def test_a_network_of_transformers_teaches_as_transformers_computes(trained, tmp_path,
                                                                    monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines, = re.findall(r'```python\n(from safetensors.*?)```', TEACHERS, re.DOTALL)
    torch.manual_seed(0)
    network = ViTForImageClassification(ViTConfig(
        hidden_size=48, num_hidden_layers=4, num_attention_heads=3, intermediate_size=96,
        image_size=64, patch_size=16, num_labels=5)).eval()
    network.save_pretrained(tmp_path / 'their_vit')
    exec(lines, {})
    teacher = trained('vit_image').model.teachers['teacher']
    image = torch.rand(2, 3, 64, 64) * 255
    with torch.no_grad():
        expected = network((image.flip(1) - 127.5) / 127.5).logits
        found = teacher(dict(image=image)).feats['logits']
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected)


def test_a_plain_classifier_teaches_as_mmpretrain_computes(tmp_path):
    path = tmp_path / 'their_config.py'
    path.write_text("default_scope = 'mmpretrain'\nmodel = dict(type='ImageClassifier', "
                    "data_preprocessor=dict(mean=[10., 20., 30.], std=[4., 5., 6.], to_rgb=True), "
                    "backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8), "
                    "neck=dict(type='GlobalAveragePooling'), "
                    "head=dict(type='LinearClsHead', num_classes=5, in_channels=64))\n")
    init_default_scope('mmpretrain')
    theirs = get_model(str(path), device='cpu')
    save_checkpoint(dict(state_dict=theirs.state_dict()), str(tmp_path / 'their.pth'))
    init_default_scope('mmfkd')
    branch = build_teacher(config=str(path), checkpoint=str(tmp_path / 'their.pth'),
                           modality='image')
    image = torch.rand(2, 3, 32, 32) * 255
    with torch.no_grad():
        batch = theirs.data_preprocessor(dict(inputs=image))
        found = branch(dict(image=image)).feats['logits']
        torch.testing.assert_close(found, theirs.head.fc(theirs.neck(
            theirs.backbone(batch['inputs']))[-1]))
    assert found.std() > 0


def test_the_table_names_every_loss_of_distillation():
    table = PAGE[PAGE.index('## What each loss takes'):]
    known = {name for name in dir(losses) if name.endswith('Loss')
             and issubclass(getattr(losses, name), losses.DistillLoss)}
    assert known > {'KDLoss'} and set(re.findall(r'`(\w+Loss)`', table)) == known - {
        'DistillLoss', 'LogitLoss', 'StageLoss', 'PseudoLabelLoss'}
