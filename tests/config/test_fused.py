"""Where fused images lie, and the configs of what is trained on them."""

import pytest

from mmfkd.benchmark.grid import config_of
from mmfkd.cli.compose import main
from mmfkd.config import composed_name, load_composed, load_config
from mmfkd.config.fused import fused_folder
from mmfkd.registry import DATASETS, MODELS

# Two baselines of one data set; what differs between tests is put into the first.
BASELINE = '''
_base_ = [__import__('mmfkd').packaged('unimodal/streets_{like}.py')]
own = dict(_delete_=True, type='RGBXDataset', data_root='data/mine', split='train',
           metainfo=dict(classes=tuple('abcdefghi')), pipeline=[], modalities=dict(
    visible=dict(folder='visible/{{split}}', suffix='.png', channels=3),
    thermal=dict(folder='thermal/{{split}}', suffix='.png', channels=3)))
train_dataloader = dict(dataset=own)
val_dataloader = dict(dataset=own)
test_dataloader = dict(dataset=dict(own, split='test'))
model = dict(students=dict(student=dict(modality='{modality}')))
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The folder of two baselines, in which commands run."""
    folder = tmp_path / 'configs/unimodal'
    folder.mkdir(parents=True)
    for name, modality, like in (('rgb', 'visible', 'rgb'), ('thermal', 'thermal', 'ir')):
        (folder / f'mine_{name}.py').write_text(BASELINE.format(modality=modality, like=like))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize('folder, wanted', [
    ('{split}/vi', '{split}/fused_a-b'), ('visible/{split}', 'fused_a-b/{split}'),
    ('data/{video}/visible', 'data/{video}/fused_a-b'),
    ('rgb/{case}/{split}', 'fused_a-b/{case}/{split}'),
    ('{split}', 'fused_a-b/{split}'), ('vi_{split}', 'fused_a-b/vi_{split}'), ('rgb', 'fused_a-b'),
    ('*/vi/{split}', '*/fused_a-b/{split}'), ('/data/visible/{split}', '/data/fused_a-b/{split}'),
    ('.', 'fused_a-b')])
def test_the_last_part_without_a_placeholder_is_replaced(folder, wanted):
    assert fused_folder(folder, ['a', 'b']) == wanted


@pytest.mark.parametrize('pair, optical, folder', [
    ('msrs_rgb-ir', 'msrs_rgb', '{split}/fused_rgb-ir'),
    ('mfnet_rgb-ir', 'mfnet_rgb', 'fused_rgb-ir'),
    ('mvss_rgb-ir', 'mvss_rgb', 'data/{video}/fused_rgb-ir'),
    ('deliver_rgb-lidar', 'deliver_rgb', 'fused_rgb-lidar/{case}/{split}'),
    # Their files of _base_/pairs name the baselines, and their data sets the folders.
    ('ombria96_optical-sar', 'ombria96dice_optical', '{split}/fused_optical-sar'),
    ('mars_aux-gray', 'marsdice_aux', '{split}/fused_aux-gray')])
def test_it_is_the_optical_baseline_but_for_images_and_norm(pair, optical, folder):
    cfg, baseline = load_config(f'fused/{pair}'), load_config(f'mmfkd::unimodal/{optical}')
    assert cfg.pop('baseline') == f'mmfkd::unimodal/{optical}.py'
    student, own = (each.model.students.student for each in (cfg, baseline))
    assert student.pop('modality') == 'fused' and own.pop('modality') != 'fused'
    assert student.pop('norm') == dict(mean=[128.0] * 3, std=[64.0] * 3) and own.pop('norm')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cfg[loader].dataset.pop('modalities') == dict(
            fused=dict(folder=folder, suffix='.png', channels=3))
        baseline[loader].dataset.pop('modalities', None)
    assert cfg.to_dict() == baseline.to_dict()
    assert cfg.filename == f'fused/{pair}.py'


def test_a_data_set_of_the_users_own_needs_two_baselines_alone(mine):
    cfg = load_config('fused/mine_rgb-thermal', {'train_cfg.max_epochs': 3})
    assert cfg.test_dataloader.dataset.modalities.fused.folder == 'fused_rgb-thermal/{split}'
    assert cfg.baseline == 'configs/unimodal/mine_rgb.py' and cfg.train_cfg.max_epochs == 3
    assert composed_name('fused/mine_rgb-thermal') == ('mine_rgb-thermal', 'fused')


def test_modalities_by_name_are_those_of_the_class_and_a_written_config_is_the_same(mine, tmp_path):
    (mine / 'mine_rgb.py').write_text((mine / 'mine_rgb.py').read_text().replace(
        "type='RGBXDataset'", "type='MSRSDataset'").split('modalities=')[0] + '''modalities=['rgb'])
train_dataloader = dict(dataset=own)
val_dataloader = None
test_dataloader = dict(dataset=own)
model = dict(students=dict(student=dict(modality='rgb', model=dict(backbone=dict(in_channels=1)))))
''')
    thermal = mine / 'mine_thermal.py'
    thermal.write_text(thermal.read_text().replace("type='RGBXDataset'", "type='MSRSDataset'"))
    path = tmp_path / 'written.py'
    main(['fused', 'mine_rgb-thermal', '-o', str(path)])
    cfg, written = load_composed('mine_rgb-thermal', 'fused'), load_config(path)
    assert written.to_dict() == cfg.to_dict() and cfg.val_dataloader is None
    # One channel, where the network takes one.
    assert cfg.train_dataloader.dataset.modalities.fused == dict(
        folder='{split}/fused_rgb-thermal', suffix='.png', channels=1)
    assert cfg.model.students.student.norm == dict(mean=[128.0], std=[64.0])


def test_what_is_built_of_it_reads_one_modality(mine):
    cfg = load_config('fused/mine_rgb-thermal')
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True))
    assert dataset.data_prefix['fused'] == 'data/mine/fused_rgb-thermal/test'
    assert dataset.modalities['fused']['loader']['color_type'] == 'color'
    assert MODELS.build(dict(cfg.model)).student.modalities == ('fused',)


@pytest.mark.parametrize('name, message', [
    ('fused/streets_rgb-ir', "train_dataloader.dataset is a SyntheticEOIR without a folder of the "
                             "modality 'rgb': images are fused as files of an RGBXDataset"),
    ('fused/avdigits_audio-visual', 'for a segmentor, and unimodal/avdigits_audio.py classifies'),
    ('fused/msrs_rgb2ir', 'two modalities are fused, .* such as fused/msrs_rgb-ir'),
    ('fused/deliver_rgb-depth-lidar', 'two modalities are fused, and both are needed'),
    ('fused/moon_rgb-ir', 'unimodal/moon_ir does not exist'),
    ('fused/msrs_rgb', 'named with the modalities that it takes, DATASET_A-B, such as fused/msrs'),
    ('fused/mars_gray-aux', 'has aux-gray, the strong modality first: write them in that order'),
    ('cddfuse/mine_fused', 'the segmentor of fused images is fused/DATASET_A-B'),
    ('no/msrs_rgb-ir', 'config no/msrs_rgb-ir does not exist')])
def test_what_cannot_be_composed_says_why(name, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        load_config(name)


@pytest.mark.parametrize('change, message', [
    ("wrapped = dict(_delete_=True, type='RepeatDataset', times=2, dataset=own)\n"
     'val_dataloader = dict(dataset=wrapped)\n',
     'is a RepeatDataset, which holds other data sets: mmfkd fuse takes one RGBXDataset'),
    ("model['students']['student']['model'] = dict(backbone=dict(in_channels=4))\n",
     'unimodal/mine_rgb.py takes in_channels=4'),
    ("model['students']['student']['modality'] = 'else'\n",
     "is a RGBXDataset without a folder of the modality 'else'")])
def test_a_baseline_that_cannot_take_them_is_named(mine, change, message):
    path = mine / 'mine_rgb.py'
    path.write_text(path.read_text() + change)
    with pytest.raises(ValueError, match=message):
        load_config('fused/mine_rgb-thermal')


def test_it_is_named_where_networks_are():
    with pytest.raises(FileNotFoundError, match=r'networks of several modalities are .*, fused'):
        load_composed('msrs_rgb2ir', 'unheard')
    with pytest.raises(ValueError, match='fused: it is a network of several modalities, and its'):
        config_of('fused', 'msrs_rgb2ir')
