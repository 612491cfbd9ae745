"""Networks of several modalities, composed with data sets."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmfkd.cli.compose import main
from mmfkd.config import (
    Modalities,
    compose,
    composed_name,
    default_work_dir,
    load_composed,
    load_config,
    student_config,
)
from mmfkd.engine.teachers import trained_branches
from mmfkd.models.branch import Branch

ROOT = Path(__file__).parents[2]
BASELINE = """
_base_ = [__import__('mmfkd').packaged('unimodal/streets_{like}.py')]
model = dict(students=dict(student=dict(modality='{modality}')))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with two baselines of its own, in which commands run."""
    folder = tmp_path / 'configs/unimodal'
    folder.mkdir(parents=True)
    for modality, like in dict(day='rgb', heat='ir').items():
        (folder / f'mine_{modality}.py').write_text(BASELINE.format(modality=modality, like=like))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(('name', 'dataset', 'names', 'one_way'), [
    ('msrs_rgb-ir', 'msrs', ('rgb', 'ir'), False), ('my_own_a2b', 'my_own', ('a', 'b'), True),
    ('deliver_rgb-depth-lidar', 'deliver', ('rgb', 'depth', 'lidar'), False)])
def test_names_of_modalities(name, dataset, names, one_way):
    found = Modalities.parse(name)
    assert found == Modalities(dataset, names, one_way) and str(found) == name


@pytest.mark.parametrize('name', ['msrs', 'rgb-ir', 'msrs_rgb', 'msrs_rgb-', 'msrs_rgb-rgb',
                                  'msrs_rgb-ir_paper'])
def test_other_names_are_none_of_modalities(name):
    with pytest.raises(ValueError, match='write DATASET_A-B'):
        Modalities.parse(name)


@pytest.mark.parametrize('network', ['csknet', 'cen', 'mmanet', 'cddfuse', 'disoptnet'])
def test_a_file_of_the_network_itself_is_that_on_the_rendered_streets(network):
    way = '2' if network == 'disoptnet' else '-'
    composed = compose(f'streets_rgb{way}ir', network)
    leaf = load_config(ROOT / f'configs/{network}/streets_rgb{way}ir.py')
    loaded = load_composed(f'streets_rgb{way}ir', network)
    assert {key: leaf[key] for key in loaded} == loaded.to_dict()
    plain = Config.fromfile(ROOT / f'configs/_base_/networks/{network}.py')
    assert all(plain[key] == composed[key] for key in composed if key != 'model')
    # A change of a name that the file gives to a part of the model would change nothing.
    assert not {'losses', 'taps', 'unimodal', 'both', 'presets', 'begin'} & set(composed)


def test_a_pair_of_the_users_own_needs_two_baselines_alone(project):
    cfg = load_config('csknet/mine_day-heat')
    student = cfg.model.students.student
    assert student.modality == student.model.modalities == ('day', 'heat')
    assert student.subsets == (('heat',), ('day',))
    assert student.norm.day.mean == [70.0] * 3 and student.norm.heat.mean == [110.0] * 3
    assert cfg.baseline == 'configs/unimodal/mine_heat.py'
    assert cfg.model.teachers.teacher.config == 'configs/unimodal/mine_day.py'
    assert cfg.filename == 'csknet/mine_day-heat.py'
    # As on the streets, but for the names.
    streets = load_config('csknet/streets_rgb-ir')
    assert cfg.model.losses == streets.model.losses
    assert cfg.default_hooks == streets.default_hooks
    assert student.model.supervised == streets.model.students.student.model.supervised


def test_a_file_of_the_pair_names_other_baselines(project):
    """As those of Mars and OMBRIA do."""
    path = project / 'configs/_base_/pairs/field_day-heat.py'
    path.parent.mkdir(parents=True)
    path.write_text(f"_base_ = ['{ROOT}/configs/_base_/pairs/streets_rgb-ir.py']\n"
                    "pair = 'field_day-heat'\n")
    cfg = load_config('mmanet/field_day-heat')
    assert cfg.model.teachers.teacher.config == 'mmanet-full/field_day-heat'
    assert cfg.model.students.student.modality == ('rgb', 'ir')


def test_a_teacher_may_be_composed_too(project):
    cfg = load_config('mmanet/mine_day-heat')
    (name, config, folder), = trained_branches(cfg)
    assert (name, config) == ('teacher', 'mmanet-full/mine_day-heat')
    assert folder == default_work_dir('mmanet-full/mine_day-heat')
    branch = student_config(config)
    assert branch['model']['mask'] is False and branch['modality'] == ('day', 'heat')
    assert composed_name(config) == ('mine_day-heat', 'mmanet-full')
    # Of a method, too.
    cfg = load_config('kd/nyuv2_depth2rgb', {
        'model.teachers.teacher.config': 'recommended/nyuv2_rgb2depth'})
    assert student_config(cfg.model.teachers.teacher.config)['modality'] == 'depth'


@pytest.fixture
def one_channel(project):
    """The project with images of one channel."""
    for path in (project / 'configs/unimodal').iterdir():
        path.write_text(path.read_text() + (
            "norm = dict(_delete_=True, mean=[1.0], std=[2.0])\n"
            "model['students']['student'].update(norm=norm, model=dict(backbone=dict("
            "in_channels=1)))\n"))


def test_mmanet_takes_the_channels_of_its_modalities(one_channel):
    found = load_config('mmanet/mine_day-heat').model.students.student
    assert [found.model.backbones[name].in_channels for name in ('day', 'heat')] == [1, 1]
    assert found.norm.day.mean == [1.0]


@pytest.mark.parametrize('network', ['csknet', 'cen', 'mmanet', 'mmanet-full', 'cddfuse'])
def test_every_network_takes_images_of_one_channel(network, one_channel):
    branch = Branch(**load_config(f'{network}/mine_day-heat').model.students.student)
    images = {name: torch.full((2, 1, 64, 64), 99, dtype=torch.uint8) for name in ('day', 'heat')}
    prepared, _ = branch.prepare(images)
    value = 99 / 255 if network == 'cddfuse' else (99 - 1) / 2
    assert all(torch.allclose(x, torch.tensor(value)) for x in prepared.values())
    output = branch(images, record=False).output
    logits = output[0] if 'mmanet' in network else output  # whose auxiliary head has others
    assert len(logits) == 2 and logits.isfinite().all()


def test_a_preset_is_merged():
    default, paper = (load_config(f'{name}/msrs_rgb-ir') for name in ('csknet', 'csknet-paper'))
    assert default.model.losses.loss_contrast.norm and 'contrast_weight' in default.default_hooks
    assert not paper.model.losses.loss_contrast.norm
    network = paper.model.students.student.model
    assert set(network.exchange) == {'channel', 'spatial'}
    assert network.supervised == ['fused', 'infrared']
    assert 'exchange' not in default.model.students.student.model
    assert paper.model.losses.loss_contrast.weight == 1.0
    assert paper.model.losses.loss_self is None and 'contrast_weight' not in paper.default_hooks
    assert 'presets' not in default and 'presets' not in paper


@pytest.mark.parametrize('name', ['csknet', 'cen-refinenet', 'mmanet', 'cddfuse', 'disoptnet'])
def test_a_written_config_is_the_composed_one(name, tmp_path, capsys):
    pair = 'msrs_rgb2ir' if name == 'disoptnet' else 'msrs_rgb-ir'
    path = tmp_path / 'written.py'
    main([name, pair, '-o', str(path)])
    cfg, composed = load_config(path), load_config(f'{name}/{pair}')
    assert cfg.to_dict() == composed.to_dict()


@pytest.mark.parametrize(('name', 'message'), [
    ('csknet/moon_rgb-ir', 'unimodal/moon_ir does not exist'),
    ('csknet/nyuv2_depth2rgb', 'from all its modalities: write csknet/nyuv2_depth-rgb'),
    ('disoptnet/msrs_rgb-ir', 'from ir alone: write disoptnet/msrs_rgb2ir'),
    ('csknet/avdigits_audio-visual', 'segment, and unimodal/avdigits_audio or .* classifies'),
    ('csknet/synthetic_depth-image', 'no modalities of one data set'),
    ('csknet/mars_rgb-aux', 'has aux-rgb, the strong modality first: write them in that order'),
    ('csknet/nyuv2_rgb-depth', r'as many channels of each, but .* are \[3, 1\]: load one channel'),
    ('csknet/msrs_rgb-ir_paper', 'named with the modalities .* such as csknet/msrs_rgb-ir'),
    ('mine/csknet/msrs_rgb-ir.py', 'config mine/csknet/msrs_rgb-ir.py does not exist'),
    ('csknett/msrs_rgb-ir', 'does not exist'),
    ('csknet-none/msrs_rgb-ir', "'csknet' has no preset 'none': choose csknet-paper"),
    ('cen-refinenet/streets_rgb-ir', "'cen' has no preset 'refinenet': choose cen")])
def test_what_cannot_be_composed_says_why(name, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        load_config(name)


def test_two_baselines_of_one_modality_are_refused(project):
    path = project / 'configs/unimodal/mine_heat.py'
    path.write_text(path.read_text().replace("'heat'", "'day'"))
    for name in ('csknet/mine_day-heat', 'kd/mine_day2heat'):
        with pytest.raises(ValueError, match="mine_day and unimodal/mine_heat are both of the mod"):
            load_config(name)


def test_what_a_composed_teacher_lacks_is_said_when_the_config_is_read():
    with pytest.raises(FileNotFoundError, match=r'kd/nyuv2_depth2rgb\.py: model\.teachers\.teacher'
                                                r'\.config: .*unimodal/nyuv_rgb does not exist'):
        load_config('kd/nyuv2_depth2rgb', {
            'model.teachers.teacher.config': 'recommended/nyuv_rgb2depth'})


def test_a_pair_file_is_no_help_to_a_method(project):
    path = project / 'configs/_base_/pairs/field_day-heat.py'
    path.parent.mkdir(parents=True)
    path.write_text(f"_base_ = ['{ROOT}/configs/_base_/pairs/streets_rgb-ir.py']\n")
    with pytest.raises(FileNotFoundError, match=r'teacher\.config: .*unimodal/field_day does not'):
        load_config('kd/mine_day2heat', {'model.teachers.teacher.config': 'kd/field_day2heat'})


def test_a_method_of_the_users_own_may_begin_like_a_network(project):
    path = project / 'configs/_base_/methods/cen-soft.py'
    path.parent.mkdir(parents=True)
    path.write_text("losses = dict(loss_kd=dict(type='KDLoss', student='student.logits', "
                    "teacher='teacher.logits'))\n")
    assert list(load_config('cen-soft/mine_day2heat').model.losses) == ['loss_kd']


def test_a_pair_file_that_lacks_a_name_is_named(project):
    path = project / 'configs/_base_/pairs/mine_day-heat.py'
    path.parent.mkdir(parents=True)
    path.write_text("_base_ = ['../../unimodal/mine_heat.py']\n")
    with pytest.raises(ValueError, match="'csknet' takes what .*pairs/mine_day-heat.py does not "
                                         "offer .*'both'"):
        load_config('csknet/mine_day-heat')


def test_a_folder_may_have_a_quote_in_its_name(project, monkeypatch):
    folder = project / "o'brien"
    (project / 'configs').rename(folder.mkdir() or folder / 'configs')
    monkeypatch.chdir(folder)
    path = folder / 'configs/_base_/pairs/field_day-heat.py'
    path.parent.mkdir(parents=True)
    path.write_text(f"_base_ = ['{ROOT}/configs/_base_/pairs/streets_rgb-ir.py']\n")
    for name in ('cen/mine_day-heat', 'cen/field_day-heat'):
        assert len(load_config(name).model.students.student.modality) == 2


def test_a_baseline_without_what_a_network_takes_is_named(project):
    path = project / 'configs/unimodal/mine_heat.py'
    path.write_text(path.read_text().replace("'unimodal/streets_ir.py'",
                                             "'_base_/models/segformer_b0.py'")
                    + "train_dataloader = dict(dataset=dict(type='SyntheticRGBTDataset'))\n")
    day = project / 'configs/unimodal/mine_day.py'
    day.write_text(path.read_text().replace("'heat'", "'day'"))
    with pytest.raises(ValueError, match="network 'cen' takes what "
                                         'unimodal/mine_heat does not offer .*block_norms'):
        load_config('cen/mine_day-heat')


def test_a_network_of_the_users_own_is_a_file_on_one_pair(project):
    path = project / 'configs/_base_/networks/halves.py'
    path.parent.mkdir(parents=True)
    cen = (ROOT / 'configs/_base_/networks/cen.py').read_text()
    path.write_text(cen.replace('threshold=0.02', 'threshold=0.5'))
    cfg = load_config('halves/msrs_rgb-ir')
    assert cfg.model.students.student.model.exchange.channel.threshold == 0.5
    path.write_text(cen.replace("_base_ = ['../pairs", "_base_ = ['../models/x.py', '../pairs"))
    with pytest.raises(ValueError, match='halves.py: write _base_ ='):
        load_config('halves/msrs_rgb-ir')
