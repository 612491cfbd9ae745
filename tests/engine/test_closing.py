"""The gain of a network of several modalities: on the modality of its baseline alone."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmfkd.config import load_config
from mmfkd.engine.closing import closing_rows, verdict
from mmfkd.evaluation.sample_scores import write_samples
from mmfkd.export.card import Card, scores
from mmfkd.registry import MODELS

TESTED = {(): 70.0, ('ir',): 61.5, ('rgb',): 50.0}


@pytest.fixture
def baseline(tmp_path):
    load_config('unimodal/streets_ir').dump(tmp_path / 'streets_ir.py')
    (tmp_path / 'summary.json').write_text(json.dumps(dict(
        val=61.0, test=dict(mIoU=60.0), config='configs/unimodal/streets_ir.py')))
    return tmp_path


def closed(baseline, subsets):
    cfg = load_config('csknet/streets_rgb-ir', teachers=False)
    cfg.model.students.student.subsets = subsets
    hub = SimpleNamespace(get_info=lambda name, default: default)
    runner = SimpleNamespace(model=MODELS.build(cfg.model), cfg=cfg, message_hub=hub)
    tested = {'/'.join([*subset, 'mIoU']): TESTED[subset] for subset in [(), *map(tuple, subsets)]}
    summary = dict(checkpoint=None, val=72.0, val_metrics={}, test=tested)
    rows = {row[0]: row for row in closing_rows(runner, summary, baseline)}
    return summary, rows


def test_it_is_that_of_the_subset_of_the_same_modality(baseline):
    summary, rows = closed(baseline, [['ir'], ['rgb']])
    assert rows['baseline'][1] == ('ir',) and rows['baseline'][3] == 60.0
    assert rows['student'][1] == ('rgb', 'ir')
    assert (summary['baseline'], summary['gain']) == (60.0, pytest.approx(1.5))
    # Counts that fit both scores by chance are those with all modalities.
    for folder in (baseline, baseline / 'own'):
        folder.mkdir(exist_ok=True)
        write_samples(folder / 'test_samples.npz', np.ones((4, 1)))
    assert verdict(summary, baseline / 'own', baseline) == (
        'distillation against the baseline, on test with ir alone: +1.50')
    card = Card('x', True, 'ir', 'image', (3, 8, 8), 'any', {}, (), summary, 'mIoU', '')
    assert scores(card)['against the baseline of the same seed with ir alone'] == '+1.50'


def test_without_such_a_subset_there_is_none(baseline):
    summary, rows = closed(baseline, [['rgb']])
    assert 'gain' not in summary and rows['baseline'][1] == ('ir',)


def test_a_folder_without_a_config_is_taken_for_one_of_the_same_modalities(baseline):
    Path(baseline, 'streets_ir.py').unlink()
    summary, rows = closed(baseline, [['ir']])
    assert rows['baseline'][1] == ('rgb', 'ir') and summary['gain'] == pytest.approx(10.0)
