"""The harnesses of benchmarks/ for faults find nothing, and would find something."""

import json
import sys
from pathlib import Path

import bad_inputs
import fuzz
import kills
import pytest
import torch
from runs import ROOT, run

OPTIONS = ['train_cfg.max_epochs=3', 'train_cfg.val_interval=1',
           'default_hooks.checkpoint.interval=1', 'train_dataloader.batch_size=4',
           *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
               'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0'))]


def test_killed_runs_report_the_same(tmp_path):
    done = run(sys.executable, ROOT / 'benchmarks/kills.py', 'unimodal/synthetic_depth',
               '--kills', '2', '--root', tmp_path, '--places', 'writing a checkpoint',
               'in the closing test', '--cfg-options', *OPTIONS)
    for place in ('writing a checkpoint', 'in the closing test'):
        assert f'{place}: 1 of 1' in done.stdout
    whole, parts = tmp_path / 'whole', tmp_path / 'kill0'
    assert kills.differences(whole, parts) == ''
    checkpoint = parts / 'run/epoch_3.pth'
    content = torch.load(checkpoint, weights_only=False)
    next(iter(content['state_dict'].values())).add_(1)
    torch.save(content, checkpoint)
    summary = parts / 'run/summary.json'
    summary.write_text(summary.read_text().replace('"seed": 0', '"seed": 1'))
    assert kills.differences(whole, parts) == (
        'run: seed is 1 instead of 0; run/epoch_3.pth: 1 tensors')


def test_the_folder_of_a_teacher_is_no_difference(tmp_path):
    found = []
    for name, rate in (('whole', 0.1), ('kill0', 0.1), ('kill1', 0.2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / 'summary.json').write_text(json.dumps(dict(
            seconds=len(found), checkpoint=f'{folder}/epoch_1.pth',
            options={'model.teachers.teacher.checkpoint': f'{folder}/teacher', 'lr': rate})))
        found.append(kills.summary(folder))
    assert found[0] == found[1] != found[2]


def test_damaged_files_of_every_kind_are_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['fuzz.py', '--files', str(6 * len(fuzz.KINDS))])
    assert fuzz.main() == 0
    assert 'damaged files: nothing bad' in capsys.readouterr().out


@pytest.mark.parametrize(('read', 'result'), [
    (lambda path: path.read_bytes(), 'undetected'), (lambda path: 1 / 0, 'nameless'),
    (lambda path: int('x'), 'nameless'), (lambda path: None, 'refused')])
def test_bad_readers_are_found(read, result, tmp_path):
    path = Path(tmp_path, 'a.x')
    path.write_bytes(b'changed')
    kind = fuzz.Kind('a.x', None, read, checked=True)
    assert fuzz.outcome(kind, path, b'sound')[0] == result


def test_bad_inputs_of_the_commands_have_complete_messages():
    done = run(sys.executable, ROOT / 'benchmarks/bad_inputs.py', '--only', 'teacher')
    assert '8 bad inputs: 8 complete messages' in done.stdout


@pytest.mark.parametrize(('parts', 'command', 'problem'), [
    (['A teaches B'], 'train --pair nyuv2 --method kd', ''),
    (['B teaches A'], 'train --pair nyuv2 --method kd', "no 'B teaches A': "),
    ([], 'compose kd synthetic_depth2rgb -o {root}/new.py', 'exit code 0')])
def test_incomplete_messages_are_found(parts, command, problem, tmp_path):
    found = bad_inputs.run(bad_inputs.Case('x', parts, command=command), tmp_path)
    assert found == problem or (problem and found.startswith(problem))
