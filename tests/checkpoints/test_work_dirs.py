"""Work dirs: which checkpoint a run reports, and whether it has ended."""

import json
import shutil

import numpy as np
import pytest
import torch

from mmfkd.checkpoints import (
    has_ended,
    latest_checkpoint,
    read_summary,
    resolve_checkpoint,
    selected_checkpoint,
    set_aside,
    write_summary,
)


def save(path):
    torch.save(dict(state_dict=dict(x=torch.zeros(1000))), path)
    return path


def test_an_ended_run_reports_what_its_summary_names_wherever_it_lies(tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    for name in ('best_mIoU_epoch_2.pth', 'best_mIoU_epoch_9.pth', 'epoch_12.pth'):
        save(folder / name)
    assert selected_checkpoint(folder) == folder / 'best_mIoU_epoch_9.pth'
    assert not has_ended(folder)
    write_summary(folder, dict(checkpoint='work_dirs/x/best_mIoU_epoch_2.pth', test={}))
    copy = tmp_path / 'copy'
    shutil.copytree(folder, copy)
    for place in (folder, copy):
        assert selected_checkpoint(place) == place / 'best_mIoU_epoch_2.pth'
        assert has_ended(place) and resolve_checkpoint(place).parent == place


def test_the_last_checkpoint_stands_for_a_run_without_validation(tmp_path):
    save(tmp_path / 'epoch_3.pth')
    assert selected_checkpoint(tmp_path) is None
    with pytest.raises(FileNotFoundError, match=r'mmfkd train mine\.py --work-dir .* --resume'):
        resolve_checkpoint(tmp_path, 'mine.py')
    write_summary(tmp_path, dict(checkpoint=str(tmp_path / 'epoch_3.pth'), test={}))
    assert resolve_checkpoint(tmp_path) == tmp_path / 'epoch_3.pth'


@pytest.mark.parametrize(('loader', 'taken'), [('None', True), ('dict(batch_size=1)', False)])
def test_the_last_checkpoint_of_a_stopped_run_is_taken_where_none_would_be_selected(
        loader, taken, tmp_path):
    for epoch in (3, 12):
        save(tmp_path / f'epoch_{epoch}.pth')
    (tmp_path / 'mine.py').write_text(f'val_dataloader = {loader}\n')
    if taken:
        assert resolve_checkpoint('best', 'mine.py', tmp_path) == tmp_path / 'epoch_12.pth'
        assert not has_ended(tmp_path)
    else:
        with pytest.raises(FileNotFoundError, match=r'name .*epoch_12\.pth itself, or train'):
            resolve_checkpoint('best', 'mine.py', tmp_path)


def test_a_summary_whose_checkpoint_is_gone_is_no_end(tmp_path):
    save(tmp_path / 'best_mIoU_epoch_1.pth')
    write_summary(tmp_path, dict(checkpoint='best_mIoU_epoch_2.pth', test={}))
    assert not has_ended(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'no whole best_mIoU_epoch_2\.pth'):
        resolve_checkpoint(tmp_path)


@pytest.mark.parametrize('content', [b'', b'{"test": {', b'\xff\xfe{}', b'[1, 2]', b'{"a": 1}',
                                     b'null', b'{"test": 3}'])
def test_damaged_and_foreign_summaries_are_no_end(content, tmp_path):
    save(tmp_path / 'best_mIoU_epoch_1.pth')
    (tmp_path / 'summary.json').write_bytes(content)
    assert read_summary(tmp_path) is None and not has_ended(tmp_path)
    assert selected_checkpoint(tmp_path) == tmp_path / 'best_mIoU_epoch_1.pth'


def test_every_kind_of_metric_is_written(tmp_path):
    write_summary(tmp_path, dict(checkpoint=None, val=np.float32(1.5), seed=np.int64(3), test=dict(
        a=torch.tensor([[1, 2], [3, 4]]), b=[0.5, float('nan')], c=None, d=np.array(2.0),
        e=float('inf'), f=True)))
    text = (tmp_path / 'summary.json').read_text()
    assert 'NaN' not in text and 'Infinity' not in text
    assert json.loads(text) == dict(checkpoint=None, val=1.5, seed=3, test=dict(
        a=[[1, 2], [3, 4]], b=[0.5, None], c=None, d=2.0, e=None, f=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['summary.json']


def test_an_earlier_run_is_set_aside_whole(tmp_path):
    assert set_aside(tmp_path) is None and list(tmp_path.iterdir()) == []
    for count in (1, 2):
        save(tmp_path / 'epoch_3.pth')
        write_summary(tmp_path, dict(checkpoint='epoch_3.pth', test={}))
        folder = set_aside(tmp_path)
        assert folder == tmp_path / f'earlier_{count}'
        assert sorted(path.name for path in folder.iterdir()) == ['epoch_3.pth', 'summary.json']
        assert latest_checkpoint(tmp_path) == (None, 0) and not has_ended(tmp_path)
        assert has_ended(folder)


def test_later_steps_are_set_aside_alone(tmp_path):
    for name in ('epoch_2.pth', 'epoch_3.pth', 'epoch_10.pth', 'best_mIoU_epoch_2.pth', 'mine.pth'):
        save(tmp_path / name)
    folder = set_aside(tmp_path, after=3)
    assert [path.name for path in folder.iterdir()] == ['epoch_10.pth']
    assert set_aside(tmp_path, after=3) is None
    assert sorted(path.name for path in set_aside(tmp_path).iterdir()) == [
        'best_mIoU_epoch_2.pth', 'epoch_2.pth', 'epoch_3.pth']
    assert (tmp_path / 'mine.pth').is_file()
