"""CSK-Net through the commands: both steps, subsets of modalities, export, panels, costs."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from runs import ROOT, run

from mmfkd.visualization.panels import caption_of, draw_panels

LOADERS = [f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
    'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0')]
OPTIONS = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=4', *LOADERS]
CONFIG = '''
_base_ = ['{root}/configs/csknet/streets_rgb-ir.py']
default_hooks = dict(teacher_report=dict(refuse=False), contrast_weight=dict(begin=0, end=0))
model = dict(teachers=dict(teacher=dict(
    config='{root}/configs/unimodal/streets_rgb.py', checkpoint='{folder}/teacher')))
'''


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder with the config, the teacher and the student, and what the command printed."""
    folder = tmp_path_factory.mktemp('csknet')
    (folder / 'rgb-ir.py').write_text(CONFIG.format(root=ROOT, folder=folder))
    done = run(sys.executable, ROOT / 'tools/train.py', folder / 'rgb-ir.py', '--with-baseline',
               '--work-dir', folder / 'student', '--cfg-options', *OPTIONS, cwd=folder)
    return folder, done.stdout


def best(folder):
    path, = (folder / 'student').glob('best_mean_mIoU_*.pth')
    return path


def test_one_command_trains_the_teacher_and_the_network(trained):
    folder, printed = trained
    assert "teacher 'teacher' is not trained yet; training it first" in printed
    summary = json.loads((folder / 'student/summary.json').read_text())
    assert {'mIoU', 'ir/mIoU', 'rgb/mIoU', 'ir/IoU.car'} < set(summary['test'])
    assert (folder / 'teacher/summary.json').is_file()


def test_selected_is_what_does_well_in_the_mean_of_all_settings(trained):
    folder, printed = trained
    summary = json.loads((folder / 'student/summary.json').read_text())
    assert best(folder).name == 'best_mean_mIoU_epoch_1.pth' == Path(summary['checkpoint']).name
    found = summary['val_metrics']
    assert summary['val'] == found['mIoU']
    assert found['mean/mIoU'] == pytest.approx(
        (found['mIoU'] + found['ir/mIoU'] + found['rgb/mIoU']) / 3)
    row = next(line for line in printed.splitlines() if 'student on ir' in line)
    assert f'{found["ir/mIoU"]:.2f}' in row


def test_it_is_compared_with_the_baseline_of_its_second_modality(trained):
    folder, printed = trained
    summaries = [json.loads((folder / f'{name}/summary.json').read_text())
                 for name in ('work_dirs/unimodal/streets_ir', 'student')]
    alone, both = (summary['test'] for summary in summaries)
    table = printed[printed.rindex('modality'):]
    rows = {line.split('│')[1].strip(): line for line in table.split('\n') if '│' in line}
    assert re.search(rf'baseline *│ ir +│.*{alone["mIoU"]:.2f}', rows['baseline'])
    assert f'{both["mIoU"]:.2f}' in rows['student']
    assert f'{both["ir/mIoU"]:.2f}' in rows['student on ir']
    gain = both['ir/mIoU'] - alone['mIoU']
    assert f'distillation against the baseline, on test with ir alone: {gain:+.2f}\n' in table
    assert summaries[1]['gain'] == pytest.approx(gain)
    assert summaries[1]['gain_with'] == 'ir'


def test_one_test_scores_every_set_of_modalities(trained, tmp_path):
    folder, _ = trained
    command = [sys.executable, ROOT / 'tools/test.py', folder / 'rgb-ir.py', best(folder),
               '--work-dir', tmp_path, '--cfg-options', *LOADERS]
    done = run(*command, '--available', 'ir', 'rgb,ir')
    metrics = json.loads((tmp_path / 'test.json').read_text())
    summary = json.loads((folder / 'student/summary.json').read_text())['test']
    assert metrics['mIoU'] == pytest.approx(summary['ir/mIoU'], abs=1e-4)
    assert metrics['rgb+ir/mIoU'] == pytest.approx(summary['mIoU'], abs=1e-4)
    assert not [key for key in metrics if key.startswith('rgb/')]
    header = next(line for line in done.stdout.splitlines() if line.startswith('┃ IoU'))
    assert re.findall(r'[\w+]+', header) == ['IoU', 'ir', 'rgb+ir']
    assert re.search(r'color_cone\D+[\d.]+\D+[\d.]+', done.stdout)


def test_infrared_data_alone_is_enough_for_a_test_and_not_for_training(trained, tmp_path):
    folder, _ = trained
    config = tmp_path / 'ir_alone.py'
    config.write_text(f'''
_base_ = ['{folder}/rgb-ir.py']
custom_imports = dict(imports=['drop_optical'])
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='RenderEOIR'), dict(type='DropOptical'), dict(type='StackModalities'),
    dict(type='PackModalities')]))
train_dataloader = test_dataloader
''')
    (tmp_path / 'drop_optical.py').write_text('''
from mmengine.registry import TRANSFORMS
@TRANSFORMS.register_module()
class DropOptical:
    def __call__(self, results):
        del results['modalities']['rgb']
        return results
''')
    run(sys.executable, ROOT / 'tools/test.py', config, best(folder), '--work-dir', tmp_path,
        '--cfg-options', *LOADERS, modules=tmp_path)
    metrics = json.loads((tmp_path / 'test.json').read_text())
    summary = json.loads((folder / 'student/summary.json').read_text())['test']
    assert metrics['mIoU'] == metrics['ir/mIoU'] == pytest.approx(summary['ir/mIoU'], abs=1e-4)
    assert not [key for key in metrics if key.startswith('rgb')]
    done = run(sys.executable, ROOT / 'tools/train.py', config, '--work-dir', tmp_path / 'train',
               '--cfg-options', *OPTIONS, 'default_hooks.teacher_report=None',
               'default_hooks.contrast_weight=None', 'default_hooks.contrast_share=None',
               modules=tmp_path, check=False)
    assert done.returncode != 0
    assert "modality ['rgb'] is not in the data" in done.stderr.strip().splitlines()[-1]


def test_subsets_are_for_multi_modal_students():
    done = run(sys.executable, ROOT / 'tools/test.py', ROOT / 'configs/unimodal/streets_ir.py',
               'none.pth', '--available', 'ir', check=False)
    assert done.returncode != 0 and '--available is for multi-modal students' in done.stderr


def command(name, monkeypatch, *arguments):
    monkeypatch.chdir(ROOT)
    import_module(f'mmfkd.cli.analyze.{name}').main([str(a) for a in arguments])


def test_panels_have_a_column_a_model(trained, tmp_path, monkeypatch, capsys):
    folder, _ = trained
    teacher, = (folder / 'teacher').glob('best_mIoU_*.pth')
    out = tmp_path / 'panels.png'
    command('panels', monkeypatch, folder / 'rgb-ir.py', best(folder), '-o', out, '--baseline',
            ROOT / 'configs/unimodal/streets_rgb.py', teacher, '--available', 'ir', 'rgb,ir',
            '--samples', 2, '--cfg-options', *LOADERS)
    assert capsys.readouterr().out.strip().endswith(str(out))
    height, width, _ = cv2.imread(str(out)).shape
    assert width > 2 * height  # six columns, two rows
    rows = [dict(truth=np.array([[[0, 0, 9], [9, 0, 0]]], np.uint8), a=np.zeros((1, 2, 3)))]
    figure = draw_panels(rows, dict(classes=('road', 'car', 'sky'),
                                    palette=[[9, 0, 0], [0, 9, 0], [0, 0, 9]]), caption_of([3, 5]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['road', 'sky']
    assert figure.legends[0].get_title().get_text() == (
        'Test images 3, 5: inputs, truth and predictions.')
    with pytest.raises(SystemExit, match='holds no best_'):
        command('panels', monkeypatch, folder / 'rgb-ir.py', tmp_path, '-o', out)


def test_costs_of_a_loss_and_of_what_is_deployed(monkeypatch, tmp_path, capsys):
    csknet = ROOT / 'configs/csknet/streets_rgb-ir.py'
    command('loss_cost', monkeypatch, csknet, 'loss_contrast', '--size', 160, 160,
            '--batch', 4, '--steps', 1, '--json', tmp_path / 'cost.json')
    result = json.loads((tmp_path / 'cost.json').read_text())
    assert result['time_ratio'] > 0.2 and result['peak'] > 0 and result['peak_without'] > 0
    with pytest.raises(SystemExit, match="no loss 'loss_none'"):
        command('loss_cost', monkeypatch, csknet, 'loss_none', '--size', 64, 64)
    capsys.readouterr()
    command('deploy_cost', monkeypatch, csknet, ROOT / 'configs/unimodal/streets_ir.py',
            '--modality', 'ir', '--size', 64, 64, '--steps', 1)
    rows = re.findall(r'│ ([\w, ]+?) +│ ([\d,]+) +│ ([\d,]+) +│', capsys.readouterr().out)
    assert [name for name, *_ in rows] == ['baseline', 'student, exported', 'student, ir alone',
                                           'student, all']
    assert len({(count, operations) for _, count, operations in rows[:3]}) == 1
    with pytest.raises(SystemExit, match=r"--modality depth: the student takes \['rgb', 'ir'\]"):
        command('deploy_cost', monkeypatch, csknet, ROOT / 'configs/unimodal/streets_ir.py',
                '--modality', 'depth')


def test_a_network_that_needs_both_modalities_is_taken_on_both(monkeypatch, capsys):
    command('deploy_cost', monkeypatch, ROOT / 'configs/cddfuse/streets_rgb-ir.py',
            ROOT / 'configs/unimodal/streets_rgb.py', '--size', 32, 32, '--steps', 1)
    assert re.findall(r'│ ([\w, ]+?) +│ [\d,]+ +│', capsys.readouterr().out) == [
        'baseline', 'student, all']
