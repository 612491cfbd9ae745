"""Configs are found by name, from the config that names them, and composed."""

import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from runs import ROOT, run

import mmfkd
from mmfkd.config import (
    Pair,
    PairConfigs,
    compose,
    composed_name,
    config_name,
    configs_folder,
    find_config,
    load_config,
    methods,
    offers,
    pairs,
    student_config,
    write_leaf,
)
from mmfkd.config.schedules import Schedule, schedules
from mmfkd.registry import MODELS

# A user's own loss and config, far from any checkout.
OWN_LOSS = """
from mmfkd.models import DistillLoss
from mmfkd.registry import MODELS

@MODELS.register_module()
class MeanGapLoss(DistillLoss):
    def terms(self, student, teacher, gt):
        return dict(gap=(student.mean() - teacher.mean()).abs())
"""
OWN_CONFIG = """
_base_ = [__import__('mmfkd').packaged('unimodal/synthetic_rgb.py')]
custom_imports = dict(imports=['own_loss'])
model = dict(
    losses=dict(loss_gap=dict(type='MeanGapLoss', student='student.feat', teacher='teacher.feat')),
    teachers=dict(teacher=dict(config='unimodal/synthetic_depth.py', checkpoint='auto')))
"""
SMALL = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2',
         'default_hooks.teacher_report.refuse=False',
         *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
             'dataset.num_scenes=4', 'dataset.size=(32,32)', 'num_workers=0'))]


@pytest.fixture
def project(tmp_path):
    """A project of the user's own: two baselines, and a folder to be called from."""
    folder = tmp_path / 'project/configs/unimodal'
    folder.mkdir(parents=True)
    base = mmfkd.packaged('unimodal/synthetic_rgb.py')
    for modality, norm in (('rgb', 3), ('depth', 1)):
        (folder / f'mine_{modality}.py').write_text(
            f"_base_ = ['{base}']\n"
            f"model = dict(students=dict(student=dict(modality='{modality}', norm=dict("
            f'_delete_=True, mean=[1.0] * {norm}, std=[2.0] * {norm}),\n'
            f'    model=dict(backbone=dict(in_channels={norm})))))\n')
    return tmp_path / 'project'


def test_what_any_part_imports_is_imported_by_the_composed(project, monkeypatch):
    """Data of one module and losses of another, as two pages of the docs have them."""
    for modality, module in (('rgb', 'json'), ('depth', 'csv')):
        with (project / f'configs/unimodal/mine_{modality}.py').open('a') as file:
            file.write(f"custom_imports = dict(imports='{module}')\n")
    method = project / 'configs/_base_/methods/own.py'
    method.parent.mkdir(parents=True)
    method.write_text("custom_imports = dict(imports=['ast'])\n"
                      "losses = dict(loss_kd=dict(type='KDLoss'))\n")
    monkeypatch.chdir(project)
    write_leaf('mine_depth2rgb', 'own', Path('leaf.py'))
    for cfg in (compose('mine_depth2rgb', 'own'), Config.fromfile('leaf.py')):
        assert cfg.custom_imports == dict(imports=['json', 'csv', 'ast'],
                                          allow_failed_imports=False)


def test_a_name_with_several_2_is_that_of_the_configs_that_exist(project, monkeypatch):
    unimodal = project / 'configs/unimodal'
    for old, new in (('rgb', 's1'), ('depth', 's2')):
        (unimodal / f'mine_{old}.py').rename(unimodal / f'mine_{new}.py')
    monkeypatch.chdir(project)
    assert Pair.parse('mine_s22s1') == ('mine', 's2', 's1')
    assert Pair.parse('mine_s12s2') == ('mine', 's1', 's2')
    assert Pair.parse('other_a22b') == ('other', 'a', '2b')  # neither has configs


@pytest.mark.parametrize('name', ['fdkd/synthetic_depth2rgb', 'fdkd/synthetic_depth2rgb.py',
                                  'configs/fdkd/synthetic_depth2rgb.py',
                                  'mmfkd::fdkd/synthetic_depth2rgb.py'])
def test_a_config_of_the_package_has_a_name_everywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name).samefile(ROOT / 'configs/fdkd/synthetic_depth2rgb.py')
    assert config_name(name) == 'fdkd/synthetic_depth2rgb'


def test_an_unknown_name_comes_with_close_ones():
    with pytest.raises(FileNotFoundError, match='close names are .*fdkd/nyuv2_depth2rgb'):
        find_config('fdkd/nyu_depth2rgb')
    with pytest.raises(FileNotFoundError, match="mmfkd has no config 'nothing/at_all'"):
        mmfkd.packaged('nothing/at_all')


def test_a_teachers_config_is_found_from_the_config_that_names_it(project, tmp_path, monkeypatch):
    leaf = project / 'configs/mine/depth2rgb.py'
    leaf.parent.mkdir()
    leaf.write_text("_base_ = ['../unimodal/mine_rgb.py']\nmodel = dict(teachers=dict(teacher=dict("
                    "config='configs/unimodal/mine_depth.py', checkpoint='auto')))\n")
    # Another file of that name lies where the command is called.
    decoy = tmp_path / 'elsewhere/configs/unimodal/mine_depth.py'
    decoy.parent.mkdir(parents=True)
    decoy.write_text("raise_an_error = 'if it is read'\n")
    monkeypatch.chdir(tmp_path / 'elsewhere')
    named = load_config(leaf).model.teachers.teacher.config
    assert Path(named) == project / 'configs/unimodal/mine_depth.py'
    assert student_config(named)['modality'] == 'depth'


def test_a_teacher_of_the_package_is_that_of_the_package(tmp_path, monkeypatch):
    decoy = tmp_path / 'configs/unimodal/synthetic_depth.py'
    decoy.parent.mkdir(parents=True)
    decoy.write_text('model = dict()\n')
    monkeypatch.chdir(tmp_path)
    cfg = load_config('mmfkd::fdkd/synthetic_depth2rgb')
    assert cfg.model.teachers.teacher.config == 'mmfkd::unimodal/synthetic_depth.py'
    assert student_config(cfg.model.teachers.teacher.config)['modality'] == 'depth'


def test_close_names_are_those_of_the_project_too(tmp_path, monkeypatch):
    (tmp_path / 'configs/unimodal').mkdir(parents=True)
    (tmp_path / 'configs/unimodal/slides_rgb.py').write_text('')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=(
            rf'does not exist in {tmp_path}, its folder configs or the package; close names are '
            'unimodal/slides_rgb')):
        load_config('unimodal/slide_rgb')


def test_a_missing_config_of_a_branch_is_an_error_that_names_the_field(tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text(f"_base_ = ['{ROOT}/configs/fdkd/synthetic_depth2rgb.py']\n"
                    "model = dict(teachers=dict(teacher=dict(config='unimodal/gone.py')))\n")
    with pytest.raises(FileNotFoundError, match=r'broken\.py: model\.teachers\.teacher\.config: '
                                                r'config unimodal/gone\.py does not exist'):
        load_config(path)
    assert load_config(path, teachers=False).model.teachers == {}


def test_a_pair_of_the_users_own_needs_two_baselines_alone(project, monkeypatch):
    monkeypatch.chdir(project)
    cfg = compose('mine_depth2rgb', 'ofd')
    assert cfg.model.losses.loss_ofd.student_channels == (32, 64, 128, 256)
    # Relative, so that its work dir does not depend on where the project lies.
    assert cfg.model.teachers.teacher.config == 'configs/unimodal/mine_depth.py'
    assert composed_name('ofd/mine_depth2rgb') == ('mine_depth2rgb', 'ofd')
    assert 'mine_depth2rgb' not in map(str, pairs())


def test_a_method_of_the_users_own_is_a_file(project, monkeypatch):
    monkeypatch.chdir(project)
    method = project / 'configs/_base_/methods/gentle.py'
    method.parent.mkdir(parents=True)
    method.write_text("losses = dict(loss_kd=dict(type='KDLoss', student='student.logits', "
                      "teacher='teacher.logits', weight=0.1))\n")
    cfg = load_config('gentle/synthetic_depth2rgb')
    assert cfg.model.losses.loss_kd.weight == 0.1
    assert 'gentle' not in methods()


@pytest.mark.parametrize(('pair', 'method', 'message'), [
    ('msrs_rgb2ir', 'ofd', "takes the tap 'pre1'.*does not offer"),
    ('synthetic_depth2rgb', 'none', "method 'none' does not exist: choose one of .*fdkd"),
    ('synthetic_depth', 'kd', 'A teaches B'),
    ('moon_a2b', 'kd', 'unimodal/moon_b does not exist')])
def test_an_impossible_combination_says_what_is_missing(pair, method, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        compose(pair, method)


def test_a_file_that_is_missing_is_not_mistaken_for_a_combination():
    with pytest.raises(FileNotFoundError, match='config my/kd/cat_a2b.py does not exist'):
        load_config('my/kd/cat_a2b.py')


def test_widths_that_are_not_declared_are_named(project, monkeypatch):
    monkeypatch.chdir(project)
    path = project / 'configs/unimodal/mine_rgb.py'
    path.write_text(path.read_text() + 'channels = dict(_delete_=True)\n')
    with pytest.raises(ValueError, match="'afd' takes student_stages, teacher_stages, which the "
                                         "pair 'mine_depth2rgb' does not offer: declare channels"):
        compose('mine_depth2rgb', 'afd')


def test_offers_of_different_widths_have_an_adapter():
    offered = offers(PairConfigs.find(Pair.parse('crisismmd_image2text')))
    assert offered['adapter'] == dict(type='Linear', in_features=768, out_features=1280)
    assert offered['band_classifier']['in_channels'] == 1280
    assert 'adapter' not in offers(PairConfigs.find(Pair.parse('nyuv2_depth2rgb')))


def test_a_written_leaf_is_the_composed_config_and_is_not_overwritten(tmp_path):
    path = tmp_path / 'c2kd/tweets.py'
    write_leaf('crisismmd_text2image', 'c2kd', path)
    cfg, composed = load_config(path), compose('crisismmd_text2image', 'c2kd')
    assert all(cfg[key] == composed[key] for key in composed)
    with pytest.raises(FileExistsError, match='is there already'):
        write_leaf('crisismmd_text2image', 'c2kd', path)


def test_a_config_and_a_loss_outside_of_the_checkout_train(tmp_path):
    """With plain ``Config.fromfile``, and through the command; the teacher is trained first."""
    (tmp_path / 'own_loss.py').write_text(OWN_LOSS)
    (tmp_path / 'own.py').write_text(OWN_CONFIG)
    cfg = Config.fromfile(tmp_path / 'own.py', import_custom_modules=False)
    assert cfg.model.students.student.modality == 'rgb'
    done = run(sys.executable, '-m', 'mmfkd', 'train', 'own.py', '--cfg-options', *SMALL,
               modules=tmp_path, cwd=tmp_path)
    assert "teacher 'teacher' is not trained yet" in done.stdout
    assert 'loss_gap.gap' in done.stdout
    assert (tmp_path / 'work_dirs/own/summary.json').is_file()
    assert (tmp_path / 'work_dirs/unimodal/synthetic_depth/summary.json').is_file()
    MODELS.module_dict.pop('MeanGapLoss', None)


def test_pair_and_method_are_options_of_train_and_test(tmp_path):
    named = ['--pair', 'synthetic_depth2rgb', '--method', 'kd']
    done = run(sys.executable, '-m', 'mmfkd', 'train', *named, '--cfg-options', *SMALL,
               'default_hooks.early_stopping.type=EarlyStoppingHook',
               'default_hooks.early_stopping.monitor=mIoU',
               'default_hooks.test_maximum.type=TestMaximumHook', cwd=tmp_path)
    assert 'loss_kd.kl' in done.stdout
    work_dir = tmp_path / 'work_dirs/kd/synthetic_depth2rgb'
    assert 'test_maximum' in (work_dir / 'summary.json').read_text()
    run(sys.executable, '-m', 'mmfkd', 'test', *named, 'best', '--cfg-options', *SMALL,
        cwd=tmp_path)
    assert (work_dir / 'test.json').is_file()
    both = run(sys.executable, '-m', 'mmfkd', 'test', 'kd/synthetic_depth2rgb', 'best',
               '--pair', 'synthetic_depth2rgb', cwd=tmp_path, check=False)
    assert both.returncode != 0
    assert 'name a config, or --pair and --method together' in both.stderr


def test_the_folder_of_the_package_is_the_checkouts():
    assert configs_folder() == ROOT / 'configs'


@pytest.mark.parametrize('name', ['reviewkd', 'reviewkd-paper'])
def test_review_warms_up_as_its_authors_do_but_for_balanced(name):
    warm_up = Schedule('default_hooks.reviewkd_warm_up', 'loss_reviewkd',
                       ('weight', 'balance.ratio'), 0.05, 1.0, 0, 19)
    cfg = load_config(f'{name}/avdigits_visual2audio')
    assert list(schedules(cfg)) == [warm_up]
    assert warm_up.value(0, 40) == 0.05 and warm_up.value(19, 40) == 1.0
    balanced = load_config('reviewkd-balanced/avdigits_visual2audio')
    assert not list(schedules(balanced))
    assert balanced.model.losses.loss_reviewkd.balance == dict(ratio=1.0)
    assert cfg.model == load_config('reviewkd-paper/avdigits_visual2audio').model


def test_a_teacher_is_left_out_by_none_as_a_loss_is():
    options = {'model.teachers.teacher': None, 'model.losses.loss_kd': None}
    cfg = load_config('kd/synthetic_depth2rgb', options)
    assert dict(cfg.model.teachers) == {} and cfg.model.losses.loss_kd is None
    model = MODELS.build(cfg.model)
    assert list(model.branches) == ['student'] and len(model.losses) == 0


@pytest.mark.parametrize(('loader', 'kind'), [('val', 'mmseg.Pad'), ('test', 'Pad')])
def test_padding_before_a_score_is_refused(loader, kind, tmp_path):
    """Which squeezes predictions; in training it may be."""
    cfg = load_config('unimodal/streets_rgb')
    pad = dict(type=kind, size=(96, 96))
    cfg.train_dataloader.dataset.pipeline.insert(2, pad)
    cfg.dump(tmp_path / 'trained.py')
    load_config(tmp_path / 'trained.py')
    data = cfg[f'{loader}_dataloader']
    data.dataset.pipeline = [*data.dataset.pipeline[:-1], pad, data.dataset.pipeline[-1]]
    data.dataset = dict(type='ConcatDataset', datasets=[data.dataset])
    cfg.dump(tmp_path / 'padded.py')
    with pytest.raises(ValueError, match=f'Pad in the pipeline of {loader}_dataloader: .*'
                                         r'model\.data_preprocessor\.size_divisor'):
        load_config(tmp_path / 'padded.py')
