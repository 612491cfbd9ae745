"""mmseg's IoU, class by class, and the table of a test."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from rich.console import Console
from sklearn.metrics import jaccard_score

from mmfkd.registry import METRICS
from mmfkd.visualization.scores import draw_scores
from mmfkd.visualization.tables import class_table, closing_table

CLASSES = ('road', 'car', 'sky', 'moon')


def samples(count=3):
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(count):
        label, answer = (torch.randint(3, (1, 6, 8), generator=generator) for _ in range(2))
        label[0, 0] = 255
        made.append(SegDataSample(gt_sem_seg=PixelData(data=label),
                                  pred_sem_seg=PixelData(data=answer)))
    return made


def test_the_score_of_each_class_is_the_jaccard_index():
    metric = METRICS.build(dict(type='ClassIoU', iou_metrics=['mIoU']))
    metric.dataset_meta = dict(classes=CLASSES)
    data = samples()
    metric.process({}, [sample.to_dict() for sample in data])
    scores = metric.evaluate(len(data))
    label, answer = (np.concatenate([sample.get(name).data.flatten() for sample in data])
                     for name in ('gt_sem_seg', 'pred_sem_seg'))
    valid = label != 255
    expected = jaccard_score(label[valid], answer[valid], labels=[0, 1, 2], average=None) * 100
    assert [scores[f'IoU.{name}'] for name in CLASSES[:3]] == pytest.approx(expected, abs=0.01)
    assert np.isnan(scores['IoU.moon'])
    assert scores['mIoU'] == pytest.approx(expected.mean(), abs=0.01)
    assert {'aAcc', 'mAcc'} < set(scores)


def test_the_table_has_a_row_a_class_and_a_column_a_prediction():
    metrics = {'aAcc': 90.0, 'mIoU': 50.0, 'IoU.road': 70.0, 'IoU.car': 30.0, 'ir/mIoU': 40.0,
               'ir/IoU.road': 60.0, 'ir/IoU.car': 20.0, 'ir/aAcc': 80.0}
    columns = {column.header: list(column.cells)
               for column in class_table(metrics, 'rgb+ir').columns}
    assert columns == {'IoU': ['road', 'car', 'mIoU'], 'rgb+ir': ['70.00', '30.00', '50.00'],
                       'ir': ['60.00', '20.00', '40.00']}
    assert class_table({'mIoU': 50.0}, 'rgb') is None
    assert class_table({'accuracy/top1': 50.0}, 'rgb') is None


def test_a_class_with_a_slash_has_its_row():
    metrics = {'mIoU': 50.0, 'IoU.car/truck': 40.0, 'ir/mIoU': 30.0, 'ir/IoU.car/truck': 20.0}
    table = class_table(metrics, 'rgb')
    assert [list(column.cells) for column in table.columns] == [
        ['car/truck', 'mIoU'], ['40.00', '50.00'], ['20.00', '30.00']]


@pytest.mark.parametrize('sound', [True, False])
def test_low_frequencies_are_at_the_bottom_and_images_stand_upright(sound):
    image = torch.zeros(1, 8, 8)
    image[:, 0] = 255  # bright at the first row
    drawn = draw_scores(dict(x=image), dict(a=1.0), ['x'] if sound else [])
    left = drawn[:, :drawn.shape[1] // 3].astype(int).mean(2)
    inside = left[40:-20, 60:-60].mean(1)
    assert (inside[-5:].mean() > inside[:5].mean()) == sound


def test_a_narrow_terminal_cuts_no_name():
    name = 'best_mean_mIoU_epoch_12.pth'
    table = closing_table('mean/mIoU', [('student', ('rgb', 'depth'), 61.234, None, name)])
    console = Console(width=60)
    with console.capture() as capture:
        console.print(table)
    cells = [line.split('│')[5].strip() for line in capture.get().splitlines() if '│' in line]
    assert len(cells) > 1 and ''.join(cells) == name
