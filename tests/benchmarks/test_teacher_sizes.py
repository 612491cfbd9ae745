"""Teachers of other sizes in benchmarks/scale_time.py and benchmarks/epoch_time.py."""

import sys

import epoch_time
import pytest
import scale_time
from mmengine.registry import init_default_scope
from runs import ROOT

from mmfkd.analysis.untrained import build_model
from mmfkd.config import Pair, compose
from mmfkd.registry import MODELS


@pytest.mark.parametrize(('name', 'millions'), [
    ('r18', 11.2), ('r101', 42.5), ('segformer-b5', 81.4), ('vit-l', 303.3)])
def test_teachers_have_the_size_that_their_name_says(name, millions):
    init_default_scope('mmfkd')
    backbone = MODELS.build(scale_time.teacher_branch(name)['model']).backbone
    # As published, without the layer that classifies.
    assert sum(p.numel() for p in backbone.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)


def test_the_student_alone_has_no_teacher():
    init_default_scope('mmfkd')
    taught, alone = map(build_model, scale_time.configs('r18'))
    assert list(taught.teachers) == ['teacher'] and list(taught.losses) == ['loss_kd']
    assert not alone.teachers and not alone.losses


def test_samples_an_hour_are_counted(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['scale_time.py', '--teachers', 'r18', '--sizes', '32', '64',
                                      '--batches', '2', '--steps', '1'])
    scale_time.main()
    printed = capsys.readouterr().out
    assert '1 processes, cpu' in printed
    for size in ('32x32', '64x64'):
        row, = (line for line in printed.splitlines() if size in line)
        alone, taught, ratio = (float(cell.replace(',', '')) for cell in row.split('│')[4:7])
        assert ratio == pytest.approx(alone / taught, abs=0.01)


@pytest.mark.parametrize(('pair', 'stages'), [
    ('nyuv2_depth2rgb', (256, 512, 1024, 2048)), ('mars_aux2gray', (128, 256, 512, 1024))])
def test_a_deeper_teacher_is_a_pair_of_its_own(pair, stages, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    own = epoch_time.deeper(Pair.parse(pair), 101, tmp_path)
    cfg = compose(own, 'fdkd')
    adapter = cfg.model.losses.loss_fdkd.adapter
    assert (adapter.in_channels, adapter.out_channels) == (stages[3] // 4, stages[3])
    assert compose(own, 'afd').model.losses.loss_afd.teacher_channels == stages
