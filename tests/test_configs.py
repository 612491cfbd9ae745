"""Configs are built by the real Runner and trained for one step on small data on disk.

Every config of the package is, and of the product of pairs and methods a sample with every method
and every data set: its pairs differ in the baselines that they name, and those are trained. It is
likewise with networks of several modalities and the data that they are composed with.
"""

import os
import zlib
from copy import deepcopy
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
import soundfile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmfkd.cli.prepare import deliver, mfnet
from mmfkd.config import (
    Pair,
    branch_config,
    compose,
    load_config,
    methods,
    networks,
    pairs,
    student_config,
)
from mmfkd.datasets import AVEDataset
from mmfkd.datasets.preparation.clips import extract_frames
from mmfkd.datasets.synthetic.cremad_layout import write_cremad_layout
from mmfkd.datasets.synthetic.crisismmd_layout import write_crisismmd_layout, write_tiny_bert
from mmfkd.datasets.synthetic.infrared_layouts import (
    write_fmb_layout,
    write_msrs_layout,
    write_mvss_layout,
)
from mmfkd.datasets.synthetic.nyuv2_layout import write_nyuv2_layout
from mmfkd.datasets.synthetic.thermal_layouts import (
    write_deliver_layout,
    write_mfnet_layout,
    write_pst900_layout,
)
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import HOOKS

ROOT = Path(__file__).parent.parent
# Data of two modalities, and the names of its baselines.
TWO = dict(fmb14=('rgb', 'ir'), fmb=('rgb', 'ir'), mfnet=('rgb', 'ir'), msrs=('rgb', 'ir'),
           mvss=('rgb', 'ir'), pst900=('rgb', 'ir'), streets=('rgb', 'ir'),
           ombria96=('optical', 'sar'), mars=('aux', 'gray'))
BASELINES = dict(ombria96='ombria96dice', mars='marsdice')
# Every network and form, and every data set, of either size where there are two.
NETWORKS = ('csknet/msrs_rgb-ir', 'csknet-paper/mfnet_rgb-ir', 'csknet-paper/mars_aux-gray',
            'csknet/ombria96_optical-sar', 'cen/mvss_rgb-ir', 'cen/mars_aux-rgb',
            'cen-refinenet/msrs_rgb-ir', 'disoptnet/fmb_rgb2ir', 'mmanet/pst900_rgb-ir',
            'mmanet/mars_aux-gray', 'mmanet/deliver_rgb-depth-event-lidar',
            'mmanet-full/fmb14_rgb-ir', 'cddfuse/msrs_rgb-ir', 'cddfuse/ombria96_optical-sar',
            'fused/msrs_rgb-ir', 'fused/mvss_rgb-ir', 'fused/deliver_rgb-lidar',
            'fused/ombria96_optical-sar', 'fused/mars_aux-gray')
CONFIGS = sorted(path.relative_to(ROOT).as_posix()
                 for folder in (ROOT / 'configs').iterdir() if folder.name != '_base_'
                 for path in folder.glob('*.py'))


def write_ombria_layout(root: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for i in range(20 if split == 'train' else 2):
            for kind, shape, high in (('optical', (64, 64, 3), 256), ('sar', (64, 64), 256),
                                      ('label', (64, 64), 2)):
                suffix = 'png' if kind == 'label' else 'jpg'
                path = root / split / kind / f'{i:04d}.{suffix}'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, high, shape, dtype=np.uint8))


def write_clips(root: Path, audio: str, clips: list[str]) -> None:
    """Two seconds of sound, and a frame for each of three seconds."""
    rng = np.random.default_rng(0)
    for clip in clips:
        for path in (root / audio / f'{clip}.wav', root / 'frames' / clip / '00000.jpg'):
            path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / audio / f'{clip}.wav', rng.uniform(-0.3, 0.3, 32000), 16000)
        for second in range(3):
            cv2.imwrite(str(root / 'frames' / clip / f'{second:05d}.jpg'),
                        rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))


def write_ave_layout(root: Path) -> None:
    for name, clips in (('train', 'abcd'), ('val', 'ef'), ('test', 'gh')):
        write_clips(root, 'audio', clips)
        (root / f'{name}Set.txt').write_text(''.join(
            f'{label}&{clip}&good&0&2\n' for label, clip in zip(
                AVEDataset.METAINFO['classes'], clips, strict=False)))


def write_vggsound_layout(root: Path) -> None:
    """Fifty classes, as the config's heads have."""
    for name, count in (('train', 50), ('test', 2)):
        write_clips(root, 'audio', [f'{name}{i}_000003' for i in range(count)])
        (root / f'{name}_tiny.csv').write_text(''.join(
            f'{name}{i},3,class {i},{name}\n' for i in range(count)))


def write_avdigits_layout(root: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ('audio', 'image'):
        (root / folder).mkdir(parents=True)
    for split, recordings in (('train', range(5, 14)), ('test', (0, 1))):
        lines = ['audio,image,label']
        for recording in recordings:
            name = f'{recording % 10}_ann_{recording}'
            soundfile.write(root / f'audio/{name}.wav', rng.uniform(-0.3, 0.3, 3000), 8000)
            cv2.imwrite(str(root / f'image/{name}.png'),
                        rng.integers(0, 256, (28, 28), dtype=np.uint8))
            lines.append(f'audio/{name}.wav,image/{name}.png,{recording % 10}')
        (root / f'{split}.csv').write_text('\n'.join(lines) + '\n')


def write_mars_layout(root: Path) -> None:
    rng = np.random.default_rng(0)
    stems = dict(train=[f'col000{i % 4}0_row{i:05d}' for i in range(20)],
                 test=[f'col0090{i}_row00000' for i in range(3)])
    for split, names in stems.items():
        for kind, shape, high in (('rgb', (64, 64, 3), 256), ('aux', (64, 64, 3), 256),
                                  ('gray', (64, 64), 256), ('thermal', (64, 64), 256),
                                  ('label', (64, 64), 2)):
            (root / split / kind).mkdir(parents=True)
            for name in names:
                cv2.imwrite(str(root / split / kind / f'{name}.png'),
                            rng.integers(0, high, shape, dtype=np.uint8))
    (root / 'official_train.txt').write_text('\n'.join([*stems['train'], stems['test'][0]]))
    (root / 'official_val.txt').write_text('\n'.join(stems['test'][1:]))


def write_emoji_layout(root: Path) -> None:
    rng = np.random.default_rng(0)
    (root / 'image').mkdir(parents=True)
    for split in ('train', 'test'):
        lines = ['image,text,label,group']
        for i in range(20):
            name = f'image/{split}{i}.png'
            cv2.imwrite(str(root / name), rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
            lines.append(f'{name},help a road,{("Flags", "Objects")[i % 2]},thing {i // 2}')
        (root / f'{split}.csv').write_text('\n'.join(lines))


def write_cremad(root: Path) -> None:
    write_cremad_layout(root, 20, 2)
    for video in (root / 'VideoFlash').iterdir():
        extract_frames(video, root / 'frames' / video.stem)


def write_crisismmd(root: Path) -> None:
    write_crisismmd_layout(root, 4, 2, 2)
    write_tiny_bert(root / 'bert')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Data sets in the layouts of the configs; each is written when it is first asked for."""
    return tmp_path_factory.mktemp('configs')


def with_fused(write, visible: str, pair: str = 'rgb-ir', suffix: str = ''):
    """A writer that also copies the images of each folder ``visible`` as fused ones beside it."""
    def both(root: Path) -> None:
        write(root)
        folders = list(root.rglob(visible))
        assert folders
        for folder in folders:
            for image in folder.rglob('*.*'):
                target = (folder.parent / f'fused_{pair}' / image.relative_to(folder)).with_name(
                    f'{image.stem.removesuffix(suffix)}.png')
                target.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(target), cv2.imread(str(image), cv2.IMREAD_GRAYSCALE))
    return both


SMALL = (64, 64)


def prepared(command, write, root: Path, *counts: int) -> None:
    """A rendered data set that its command has prepared."""
    write(root, *counts, SMALL)
    assert command.main([str(root), '--workers', '1']) == 0


WRITERS = dict(
    msrs=with_fused(lambda root: write_msrs_layout(root, 20, 2, SMALL), 'vi'),
    mvss=with_fused(lambda root: write_mvss_layout(root, 4, 2, 2, SMALL), 'visible', suffix='v'),
    fmb=lambda root: write_fmb_layout(root, 20, 2, SMALL),
    mfnet=lambda root: prepared(mfnet, write_mfnet_layout, root, 16, 4, 4),
    pst900=lambda root: write_pst900_layout(root, 20, 2, SMALL),
    deliver=with_fused(lambda root: prepared(deliver, write_deliver_layout, root, 10, 5, 5),
                       'img', 'rgb-lidar', '_rgb_front'),
    nyuv2=lambda root: write_nyuv2_layout(root, 20, 2, size=(64, 64)),
    ombria=with_fused(write_ombria_layout, 'optical', 'optical-sar'),
    cremad=write_cremad, ave=write_ave_layout,
    vggsound50=write_vggsound_layout, avdigits=write_avdigits_layout, crisismmd=write_crisismmd,
    mars_ls=with_fused(write_mars_layout, 'aux', 'aux-gray'), emoji=write_emoji_layout,
    pretrained=lambda root: write_tiny_bert(root / 'minilm', hidden_size=384))


def local(path: str, folder: Path) -> str:
    """``data/<name>/...`` in the test's folder, written if it is not there."""
    root = folder / 'data' / path.split('/')[1]
    if not root.exists():
        WRITERS[root.name](root)
    return str(folder / path)


@pytest.fixture(scope='module')
def teacher_checkpoint(folder):
    def save(config: str) -> str:
        path = folder / f'{Path(config).stem}.pth'
        if not path.exists():
            branch = student_config(config)
            from_scratch(branch, folder)
            init_default_scope('mmfkd')
            model = CrossModalDistiller(students=dict(student=branch))
            torch.save(dict(state_dict=model.state_dict()), path)
        return str(path)
    return save


def from_scratch(branch: dict, folder: Path) -> None:
    """No downloads; BERT from the small one of the test's folder, MMANet at a quarter width."""
    model = branch['model']
    if 'backbones' in model:
        narrow(model)
    if model.get('decode_head', {}).get('type') == 'mmfkd.RefineNetHead':
        model['decode_head']['channels'] = 16
    for backbone in model.get('backbones', dict(all=model.get('backbone', {}))).values():
        if backbone.get('pretrained'):
            backbone['pretrained'] = local(backbone['pretrained'], folder)
        if backbone.get('init_cfg'):
            backbone['init_cfg'] = None


def narrow(model: dict) -> None:
    """Layers of MMANet at a quarter of their width."""
    for backbone in model['backbones'].values():
        for name in ('base_channels', 'stem_channels'):
            backbone[name] = backbone.get(name, 64) // 4
    for part, name in (('neck', 'in_channels'), ('neck', 'out_channels'),
                       ('decode_head', 'in_channels')):
        model[part][name] = [width // 4 for width in model[part][name]]


def shrink(cfg: Config, folder: Path, work_dir: Path) -> None:
    """One step on two images of 64x64, from scratch, with every loss, and any teacher.

    PKD takes three: of two values nothing is left when they are standardised.
    """
    losses = (cfg.model.get('losses') or {}).values()
    count = 3 if any(loss and loss.type == 'PKDLoss' for loss in losses) else 2
    cfg.work_dir = str(work_dir)
    # mmengine keeps the best score of an experiment by its name.
    cfg.experiment_name = uuid4().hex
    cfg.train_cfg.max_epochs = 1
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.get('test_dataloader')):
        if loader is None:
            continue
        loader.update(num_workers=0, batch_size=count)
        if 'data_root' in loader.dataset:
            loader.dataset.data_root = local(loader.dataset.data_root, folder)
            if 'group' in loader.dataset:
                loader.dataset.val_fraction = 0.25
        else:
            loader.dataset.update(size=(64, 64))
        loader.dataset.indices = count
        for step in steps_within(loader.dataset.pipeline):
            if step.type in ('mmseg.Resize', 'mmseg.RandomResize', 'mmpretrain.Resize'):
                step.scale = (64, 64)
            elif step.type == 'mmpretrain.RandomResizedCrop':
                step.scale = 64
            elif step.type == 'TokenizeText' and step.tokenizer.startswith('data/'):
                step.tokenizer = local(step.tokenizer, folder)
    if 'teacher_report' in cfg.default_hooks:
        cfg.default_hooks.teacher_report.refuse = False
    for hook in cfg.default_hooks.values():
        if hook and hook.get('type') == 'LossWeightHook':
            hook.update(begin=0, end=0)  # what begins later would move nothing
        elif hook and hook.get('type') == 'FusionPhaseHook':
            hook.update(second=0)


def steps_within(pipeline: list) -> list:
    return [inner for step in pipeline for inner in (step, *step.get('transforms', ()))]


def combinations() -> dict[str, Config]:
    """Every pair with every method, where the pair offers what the method takes."""
    found = {}
    for pair in pairs():
        for method in methods():
            try:
                found[f'{method}/{pair}'] = compose(pair, method)
            except ValueError as error:
                assert 'does not offer' in str(error) or (
                    method == 'nkd' and 'does not work for two classes' in str(error))
    return found


COMBINATIONS = combinations()
LEAVES = {path.removeprefix('configs/').removesuffix('.py') for path in CONFIGS}


def sample() -> list[str]:
    """Combinations without a leaf such that each method and data set is trained somewhere."""
    left = sorted(set(COMBINATIONS) - LEAVES)
    chosen, seen = [], set()
    # From both ends, so that what is drawn is no single method's.
    for name in sorted(left, key=lambda name: (hash_of(name), name)):
        method, pair = name.split('/')
        parts = {method, Pair.parse(pair).dataset}
        if parts - seen:
            chosen.append(name)
            seen |= parts
    return chosen


def hash_of(name: str) -> int:
    """An order that is the same in every process and mixes methods and pairs."""
    return zlib.crc32(name.encode())


def train_one_step(cfg, name, folder, teacher_checkpoint, tmp_path):
    """Trains, validates and saves, and checks that nearly every parameter has moved."""
    shrink(cfg, folder, tmp_path / Path(name).parent.name)
    for student_name, student in cfg.model.get('students', {}).items():
        start = {}
        if student.get('checkpoint'):
            start = dict(checkpoint=teacher_checkpoint(student.config))
        student = branch_config(student)
        from_scratch(student, folder)
        cfg.model.students[student_name] = dict(student, **start)
    for teacher_name, teacher in (cfg.model.get('teachers') or {}).items():
        branch = dict(branch_config(teacher), checkpoint=teacher_checkpoint(teacher.config))
        from_scratch(branch, folder)
        cfg.model.teachers[teacher_name] = {key: branch[key] for key in branch
                                            if key not in ('config', 'subsets')}
    runner = Runner.from_cfg(cfg)
    before = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 1
    # A block whose last norm starts at zero passes its first gradient to that norm alone.
    changed = [name for name, p in runner.model.named_parameters()
               if not torch.equal(p, before[name])]
    assert len(changed) > 0.7 * len(before)
    best = cfg.default_hooks.checkpoint.save_best
    saved = f'best_{best.replace("/", "_")}' if best else 'epoch_1.pth'
    assert any(name.startswith(saved) for name in os.listdir(cfg.work_dir))


@pytest.mark.parametrize('path', CONFIGS)
def test_config_trains_one_step(path, folder, teacher_checkpoint, tmp_path):
    train_one_step(load_config(ROOT / path), path, folder, teacher_checkpoint, tmp_path)


@pytest.mark.parametrize('name', sample())
def test_combination_trains_one_step(name, folder, teacher_checkpoint, tmp_path):
    method, pair = name.split('/')
    train_one_step(compose(pair, method), name, folder, teacher_checkpoint, tmp_path)


def test_every_pair_and_method_is_composed_and_trained():
    trained = [name.split('/') for name in {*sample(), *(LEAVES & set(COMBINATIONS))}]
    assert {method for method, _ in trained} >= set(methods())
    assert {Pair.parse(pair).dataset for _, pair in trained} == {pair.dataset for pair in pairs()}
    # Every baseline, of which the pairs are made.
    assert {config for pair in pairs() for config in (pair.student_config, pair.teacher_config)
            } <= LEAVES
    # A glob that matched nothing would pass everything above.
    assert len(methods()) >= 13 and len(pairs()) >= 32 and len(CONFIGS) >= 80
    # Only what taps inside the network is impossible with some networks.
    for method in ('kd', 'dist', 'dkd', 'nkd_yang', 'dml'):
        assert all(f'{method}/{pair}' in COMBINATIONS for pair in pairs())


@pytest.mark.parametrize('name', sorted(LEAVES & set(COMBINATIONS)))
def test_leaf_is_the_composed_config(name):
    leaf, composed = load_config(ROOT / f'configs/{name}.py'), COMBINATIONS[name]
    own = set(Config.fromfile(ROOT / f'configs/_base_/methods/{name.split("/")[0]}.py'))
    # Names that the leaf gives to its parts.
    own |= {'classifier', 'adapter', 'width', 'widths'}
    assert set(leaf) - set(composed) <= own
    assert all(leaf[key] == composed[key] for key in composed)


@pytest.mark.parametrize('name', sorted(COMBINATIONS))
def test_combination_differs_from_its_baseline_by_teacher_and_losses_alone(name):
    method, pair = name.split('/')
    cfg, pair = COMBINATIONS[name], Pair.parse(pair)
    baseline = load_config(f'mmfkd::{pair.student_config}')
    teacher = f'mmfkd::{pair.teacher_config}.py'
    assert set(cfg) == set(baseline)
    assert set(cfg.model) - set(baseline.model) == {'teachers', 'losses'}
    assert cfg.model.students.student == baseline.model.students.student
    second = Config.fromfile(ROOT / f'configs/_base_/methods/{method}.py').get('second_student')
    # Two networks under one optimizer: those of text and image want rates of their own.
    own = {'optim_wrapper'} if second and pair.dataset in ('crisismmd', 'emoji') else set()
    if method == 'transfer':
        assert cfg.train_dataloader.dataset.pop('labels') == 'none'
    if method == 'reviewkd':
        assert cfg.default_hooks.pop('reviewkd_warm_up').loss == 'loss_reviewkd'
    assert all(cfg[key] == baseline[key] for key in baseline if key != 'model' and key not in own)
    if second:
        (student, arguments), = second.items()
        assert cfg.model.teachers is None
        assert list(cfg.model.students) == ['student', student]
        assert cfg.model.students[student] == dict(config=teacher, **arguments)
        return
    assert list(cfg.model.students) == ['student']
    assert cfg.model.teachers == dict(teacher=dict(config=teacher, checkpoint='auto'))


@pytest.mark.parametrize(('text', 'rate'), [('text', 0.1), ('image', 10)])
def test_second_student_of_tweets_learns_at_its_own_rate(text, rate):
    student = 'image' if text == 'text' else 'text'
    for method, name in (('dml', 'peer'), ('c2kd', 'teacher')):
        cfg = COMBINATIONS[f'{method}/crisismmd_{text}2{student}']
        keys = cfg.optim_wrapper.paramwise_cfg.custom_keys
        assert keys == {f'students.{name}': dict(lr_mult=rate)}


@pytest.mark.parametrize('path', [path for path in CONFIGS if path.endswith('_both.py')])
def test_both_directions_train_the_students_of_the_two_baselines(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = Config.fromfile(path)
    dataset = Path(path).stem.removesuffix('_both')
    names = list(cfg.model.students)
    assert len(names) == 2
    for name in names:
        baseline = f'configs/unimodal/{dataset}_{name}.py'
        assert cfg.model.students[name] == dict(config=baseline)
        assert cfg.model.teachers[f'{name}_teacher'] == dict(config=baseline, checkpoint='auto')
    for student, teacher in (names, names[::-1]):
        loss = cfg.model.losses[f'loss_{teacher}2{student}']
        assert (loss.student, loss.teacher) == (f'{student}.feat', f'{teacher}_teacher.feat')


@pytest.mark.parametrize('name', NETWORKS)
def test_network_on_a_pair_trains_one_step(name, folder, teacher_checkpoint, tmp_path):
    train_one_step(load_config(name), name, folder, teacher_checkpoint, tmp_path)


def test_every_network_and_its_data_are_trained():
    trained = [name.split('/') for name in {*NETWORKS, *LEAVES}]
    forms = {f'{network}-{preset}' for network in networks() for preset in Config.fromfile(
        ROOT / f'configs/_base_/networks/{network}.py').get('presets', {})}
    # That of RefineNet is there at full size alone.
    assert forms == {'csknet-paper', 'mmanet-full'} and len(networks()) >= 5
    assert {network for network, _ in trained} >= {*forms, *networks(), 'cen-refinenet'}
    assert {pair.split('_')[0] for network, pair in trained
            if network.split('-')[0] in networks()} >= {*TWO, 'deliver'}


@pytest.mark.parametrize('data', TWO)
@pytest.mark.parametrize('network', ['csknet', 'cen', 'disoptnet'])
def test_networks_of_two_modalities_are_built_of_the_infrared_baseline(network, data):
    optical, infrared = TWO[data]
    way = '2' if network == 'disoptnet' else '-'
    cfg = load_config(f'{network}/{data}_{optical}{way}{infrared}')
    optical_config, infrared_config = (
        f'mmfkd::unimodal/{BASELINES.get(data, data)}_{name}.py' for name in TWO[data])
    baseline = load_config(infrared_config)
    selection = {'model', 'default_hooks', 'val_evaluator'}
    changed = {'model'} if network == 'disoptnet' else selection
    assert all(cfg[key] == baseline[key] for key in baseline if key not in changed)
    expected = deepcopy(baseline)
    if network != 'disoptnet':  # it is selected by what it says in all settings
        expected.val_evaluator.mean = [infrared, optical]
        expected.default_hooks.checkpoint.save_best = 'mean/mIoU'
    assert cfg.val_evaluator == expected.val_evaluator
    assert {key: cfg.default_hooks[key] for key in expected.default_hooks} == expected.default_hooks
    assert cfg.model.data_preprocessor == baseline.model.data_preprocessor
    assert Path(load_config(cfg.baseline).filename).samefile(baseline.filename)
    student, plain = cfg.model.students.student, baseline.model.students.student
    assert student.model.backbone == plain.model.backbone
    assert student.model.decode_head == plain.model.decode_head
    norm = student.norm if network == 'disoptnet' else student.norm[infrared]
    assert norm == plain.norm
    if network == 'cen':
        assert not cfg.model.teachers and 'losses' not in cfg.model
        return
    assert cfg.model.teachers.teacher == dict(config=optical_config, checkpoint='auto')
    if network == 'csknet':
        assert student.norm[optical] == load_config(optical_config).model.students.student.norm
        assert student.model.modalities == student.modality == (optical, infrared)


@pytest.mark.parametrize('path', CONFIGS)
def test_hooks_are_added_and_left_out_by_name(path):
    """As ``--cfg-options`` does it; no config has an index into a list of hooks."""
    cfg = load_config(ROOT / path, {
        'default_hooks.early_stopping.type': 'mmengine.EarlyStoppingHook',
        'default_hooks.early_stopping.monitor': 'mIoU',
        'default_hooks.test_maximum.type': 'mmfkd.TestMaximumHook',
        'default_hooks.test_maximum.metric': 'mIoU',
        'default_hooks.epoch_seed': None})
    assert 'custom_hooks' not in cfg
    assert 'epoch_seed' not in cfg.default_hooks
    hooks = {name: HOOKS.build(cfg.default_hooks[name])
             for name in ('early_stopping', 'test_maximum', 'finite_loss')}
    assert [type(hook).__name__ for hook in hooks.values()] == [
        'EarlyStoppingHook', 'TestMaximumHook', 'FiniteLossHook']
