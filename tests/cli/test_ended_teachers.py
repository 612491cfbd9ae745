"""A teacher whose run has ended counts as trained, however it ended, and is left as it is."""

import hashlib
import sys

import pytest
from runs import ROOT, run

TEACHER = '''
_base_ = ['{root}/configs/unimodal/synthetic_depth.py']
small = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=8, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=6, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=0.0))
default_hooks = dict(checkpoint=dict(interval=1))
'''
ENDS = dict(early='''
custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU', patience=1)]
''', iterations='''
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=4, val_interval=2)
param_scheduler = []
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
train_dataloader = dict(sampler=dict(type='InfiniteSampler', shuffle=True))
''', unselected='''
train_cfg = dict(max_epochs=1)
val_dataloader = None
''')
STUDENT = '''
_base_ = ['{root}/configs/fdkd/synthetic_depth2rgb.py']
small = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=8, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(teacher_report=dict(refuse=False))
model = dict(teachers=dict(teacher=dict(config='teacher.py', checkpoint='{folder}/teacher')))
'''


def contents(folder):
    return {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in folder.glob('*.pth')}


@pytest.mark.parametrize('name', ENDS)
def test_it_is_not_trained_on(name, tmp_path):
    (tmp_path / 'teacher.py').write_text(TEACHER.format(root=ROOT) + ENDS[name])
    (tmp_path / 'student.py').write_text(STUDENT.format(root=ROOT, folder=tmp_path))
    train = [sys.executable, ROOT / 'tools/train.py']
    run(*train, tmp_path / 'teacher.py', '--work-dir', tmp_path / 'teacher')
    before = contents(tmp_path / 'teacher')
    assert 0 < len(before) < 4
    done = run(*train, tmp_path / 'student.py', '--work-dir', tmp_path / 'student')
    assert 'not trained yet' not in done.stdout
    assert contents(tmp_path / 'teacher') == before
    assert (tmp_path / 'student/summary.json').is_file()
