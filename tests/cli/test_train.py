"""tools/train.py and tools/test.py on rendered scenes: teachers first, table, summary, test."""

import json
import os
import re
import sys

import pytest
from runs import ROOT, run

OPTIONS = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=4',
           *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
               'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0'))]
STUDENT_ONLY = 'model.losses.loss_fdkd.low_weight=0.5'


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """The same command twice, with a teacher that is not there at first."""
    folder = tmp_path_factory.mktemp('train')
    config = folder / 'fdkd/depth2rgb.py'
    config.parent.mkdir()
    # One epoch teaches nothing: such a teacher is refused elsewhere, and reported here.
    config.write_text(
        f"_base_ = ['{ROOT}/configs/fdkd/synthetic_depth2rgb.py']\n"
        'default_hooks = dict(teacher_report=dict(refuse=False))\n'
        'model = dict(teachers=dict(teacher=dict('
        f"config='{ROOT}/configs/unimodal/synthetic_depth.py', checkpoint='{folder}/teacher')))\n")
    command = [sys.executable, ROOT / 'tools/train.py', config, '--amp', '--work-dir',
               folder / 'student', '--cfg-options', *OPTIONS, STUDENT_ONLY]
    return folder, config, run(*command), run(*command)


def test_missing_teacher_is_announced_and_trained(runs):
    folder, _, first, _ = runs
    assert "teacher 'teacher' is not trained yet; training it first" in first.stdout
    summary = json.loads((folder / 'teacher/summary.json').read_text())
    assert summary['config'].endswith('unimodal/synthetic_depth.py')
    assert os.path.isfile(summary['checkpoint'])


def test_trained_teacher_is_not_trained_again(runs):
    assert 'training it first' not in runs[3].stdout


def test_teacher_gets_the_options_of_data_and_schedule_alone(runs):
    announced = re.search(r'training it first: (.*)', runs[2].stdout)[1]
    assert all(option.replace('(32,32)', '(32, 32)') in announced for option in OPTIONS)
    assert STUDENT_ONLY not in announced and '--amp' in announced


def test_closing_table_has_teacher_student_and_work_dir(runs):
    folder, _, first, _ = runs
    table = first.stdout[first.stdout.rindex('modality'):]
    assert 'teacher' in table and 'depth' in table and 'student' in table and 'rgb' in table
    assert str(folder / 'student') in table.replace('\n', '')
    summary = json.loads((folder / 'student/summary.json').read_text())
    assert f"{summary['val']:.2f}" in table and f"{summary['test']['mIoU']:.2f}" in table


def test_summary_holds_val_and_test_scores_of_the_selected_checkpoint(runs):
    summary = json.loads((runs[0] / 'student/summary.json').read_text())
    assert summary['seed'] == 0
    assert 0 <= summary['val'] <= 100 and 0 <= summary['test']['mIoU'] <= 100
    assert 'best_mIoU' in summary['checkpoint']


def test_testing_the_work_dir_gives_the_same_score_without_a_teacher(runs):
    folder, *_ = runs
    summary = json.loads((folder / 'student/summary.json').read_text())
    left, = (folder / 'student').glob('*.py')
    before = left.read_text()
    (folder / 'teacher').rename(folder / 'gone')
    done = run(sys.executable, ROOT / 'tools/test.py', folder / 'student', 'best', '--cfg-options',
               'log_level=WARNING')
    (folder / 'gone').rename(folder / 'teacher')
    # Predictions, teacher and baseline are found by what the training left there.
    assert left.read_text() == before and 'FrequencyDecoupledLoss' in before
    assert any("log_level = 'WARNING'" in path.read_text()
               for path in (folder / 'student').glob(f'*/{left.name}'))
    done = run(sys.executable, ROOT / 'tools/test.py', folder / 'student', 'best')
    logged = re.findall(r'Epoch\(test\).*?mIoU: ([\d.]+)', done.stdout + done.stderr)
    assert float(logged[-1]) == pytest.approx(summary['test']['mIoU'], abs=1e-4)
    assert (folder / 'student/test.json').is_file()
    assert 'was trained with another config' not in done.stdout
    done = run(sys.executable, ROOT / 'tools/test.py', folder / 'student', 'best', '--cfg-options',
               'test_dataloader.batch_size=2', 'test_dataloader.dataset.size=(64,64)')
    assert ('best_mIoU_epoch_1.pth was trained with another config, by '
            'test_dataloader.dataset.size.0=32, and now 64; ') in done.stdout
    assert 'batch_size' not in done.stdout[:done.stdout.index('the scores are those of')]


def test_distributed_launch_without_a_teacher_says_what_to_run(runs, tmp_path):
    done = run('bash', ROOT / 'tools/dist_train.sh',
               ROOT / 'configs/fdkd/synthetic_depth2rgb.py', '1', '--work-dir', tmp_path,
               '--cfg-options', f'model.teachers.teacher.checkpoint={tmp_path}/none', check=False)
    assert done.returncode != 0
    assert ('torchrun --nproc_per_node GPUS -m mmfkd train unimodal/synthetic_depth.py --work-dir '
            f'{tmp_path}/none --launcher pytorch') in done.stderr


def test_help_needs_no_heavy_import():
    done = run(sys.executable, '-X', 'importtime', ROOT / 'tools/train.py', '--help')
    assert '--cfg-options' in done.stdout
    assert not re.search(r'\| +(torch|mmseg)$', done.stderr, re.MULTILINE)
