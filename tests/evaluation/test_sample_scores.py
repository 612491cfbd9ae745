"""Scores of samples add up to the metric of the run."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmpretrain.evaluation import Accuracy
from mmpretrain.structures import DataSample

from mmfkd.engine import SampleScoreHook
from mmfkd.engine.hooks.samples import sample_counts
from mmfkd.evaluation.sample_scores import SAMPLES, read_samples, score_of, write_samples


def test_segmentation_adds_up_to_the_miou_of_mmseg(seg_branch, distiller_config, make_runner):
    model = distiller_config(students=dict(student=seg_branch(classes=4)), teachers={})
    runner = make_runner(model, validate=True)
    test = make_runner(model, test_dataloader=runner.cfg.train_dataloader,
                       test_cfg=dict(type='TestLoop'), test_evaluator=runner.cfg.val_evaluator)
    test.register_hook(SampleScoreHook())
    metrics = test.test()
    counts = read_samples(Path(test.work_dir))
    assert counts.shape == (4, 3, 4)
    assert score_of(counts, np.ones((1, 4)))[0] == pytest.approx(metrics['mIoU'], abs=0.01)
    # Other samples are other scores: the mean of a single one is that of its own counts.
    right, predicted, label = counts[2].astype(float)
    with np.errstate(invalid='ignore'):
        alone = 100 * np.nanmean(right / (predicted + label - right))
    assert score_of(counts, np.eye(4))[2] == pytest.approx(alone)


def test_classification_adds_up_to_the_accuracy_of_mmpretrain():
    metric, rows = Accuracy(topk=(1,)), []
    for i in range(20):
        scores = torch.rand(5, generator=torch.Generator().manual_seed(i))
        sample = DataSample().set_gt_label(i % 5).set_pred_score(scores)
        sample.set_pred_label(scores.argmax())
        metric.process({}, [sample.to_dict()])
        rows.append(sample_counts(sample, 5))
    accuracy = metric.evaluate(20)['accuracy/top1']
    assert 0 < accuracy < 100
    assert score_of(np.stack(rows), np.ones((1, 20)))[0] == pytest.approx(accuracy, abs=1e-4)


def test_what_has_no_label_is_not_counted():
    assert sample_counts(DataSample().set_pred_label(1), 5) is None


@pytest.mark.parametrize('content', [None, b'', b'PK\x03\x04 no archive'])
def test_unreadable_counts_are_none(content, tmp_path):
    if content is not None:
        (tmp_path / SAMPLES).write_bytes(content)
    assert read_samples(tmp_path) is None


def test_counts_are_read_as_they_were_written(tmp_path):
    counts = np.arange(24).reshape(2, 3, 4) * 10 ** 9
    write_samples(tmp_path / SAMPLES, counts)
    assert np.array_equal(read_samples(tmp_path), counts)
    assert [path.name for path in tmp_path.iterdir()] == [SAMPLES]
