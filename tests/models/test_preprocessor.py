import copy
import re

import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric
from torch.nn import functional as F

from mmfkd.config import load_config
from mmfkd.models.branch import Branch
from mmfkd.models.preprocessor import MultiModalDataPreprocessor
from mmfkd.registry import MODELS

MIXED = ((30, 28), (20, 32))


def labels(samples):
    return [sample.gt_sem_seg.data for sample in samples]


def test_modalities_are_stacked_in_their_dtypes(seg_batch):
    batch = seg_batch()
    out = MultiModalDataPreprocessor()(batch)
    assert list(out['inputs']) == ['rgb', 'depth']
    for name, dtype in dict(rgb=torch.uint8, depth=torch.float32).items():
        assert out['inputs'][name].dtype == dtype
        assert torch.equal(out['inputs'][name], torch.stack(batch['inputs'][name]))
    assert len(out['data_samples']) == 2


@pytest.mark.parametrize('training', [True, False])
def test_images_are_padded_right_and_below_to_the_divisor(training, seg_batch):
    batch = seg_batch(((30, 28), (30, 28)))
    pad_val = dict(rgb=7, depth=-1.5)
    out = MultiModalDataPreprocessor(size_divisor=16, pad_val=pad_val)(batch, training)
    for name, stacked in out['inputs'].items():
        assert stacked.shape[-2:] == (32, 32)
        assert torch.equal(stacked[..., :30, :28], torch.stack(batch['inputs'][name]))
        assert torch.all(stacked[..., 30:, :] == pad_val[name])
        assert torch.all(stacked[..., 28:] == pad_val[name])


def test_labels_are_padded_once_with_255(seg_batch):
    batch = seg_batch(((30, 28), (30, 28)))
    before = [label.clone() for label in labels(batch['data_samples'])]
    out = MultiModalDataPreprocessor(size_divisor=16)(batch, training=True)
    for label, old in zip(labels(out['data_samples']), before, strict=True):
        assert label.shape == (1, 32, 32) and label.dtype == old.dtype
        assert torch.equal(label[:, :30, :28], old)
        assert torch.all(label[:, 30:] == 255) and torch.all(label[..., 28:] == 255)


def test_images_of_several_sizes_are_padded_to_the_largest(seg_batch):
    batch = seg_batch(MIXED)
    out = MultiModalDataPreprocessor(size_divisor=8)(batch, training=True)
    assert out['inputs']['rgb'].shape == (2, 3, 32, 32)
    assert out['inputs']['depth'].shape == (2, 1, 32, 32)
    for i, (height, width) in enumerate(MIXED):
        assert torch.equal(out['inputs']['rgb'][i, :, :height, :width], batch['inputs']['rgb'][i])
        label = labels(out['data_samples'])[i]
        assert label.shape == (1, 32, 32)
        assert (label == 255).sum() == 32 * 32 - height * width
        assert out['data_samples'][i].padding_size == (0, 32 - width, 0, 32 - height)
        assert tuple(out['data_samples'][i].img_shape) == (height, width)
        assert tuple(out['data_samples'][i].pad_shape) == (32, 32)


def test_the_batch_itself_stays_as_it_was(seg_batch):
    batch = seg_batch(MIXED)
    before = copy.deepcopy(batch)
    preprocessor = MultiModalDataPreprocessor(size_divisor=16)
    first, second = preprocessor(batch, True), preprocessor(batch, True)
    for old, new, a, b in zip(before['data_samples'], batch['data_samples'],
                              first['data_samples'], second['data_samples'], strict=True):
        assert torch.equal(old.gt_sem_seg.data, new.gt_sem_seg.data)
        assert torch.equal(a.gt_sem_seg.data, b.gt_sem_seg.data)
        assert a is not b


def test_mmseg_restores_the_original_size_and_place(segmentor, seg_batch):
    batch = seg_batch(MIXED)
    data = MultiModalDataPreprocessor(size_divisor=16)(batch, training=True)
    padded = torch.cat(labels(data['data_samples'])).clamp(max=4)
    logits = F.one_hot(padded, 5).movedim(-1, 1).float() * 10
    samples = MODELS.build(segmentor(classes=5)).postprocess_result(logits, data['data_samples'])
    for sample, old in zip(samples, batch['data_samples'], strict=True):
        assert torch.equal(sample.pred_sem_seg.data, old.gt_sem_seg.data)


def test_predictions_of_padded_images_can_be_scored(seg_branch, seg_batch):
    branch = Branch(**seg_branch()).eval()
    data = MultiModalDataPreprocessor(size_divisor=16)(seg_batch(MIXED))
    samples = branch(**data, mode='predict', record=False)[0]
    assert [s.pred_sem_seg.shape for s in samples] == [(30, 28), (20, 32)]
    metric = IoUMetric(iou_metrics=['mIoU'])
    metric.dataset_meta = dict(classes=('a', 'b', 'c', 'd'))
    metric.process({}, [sample.to_dict() for sample in samples])
    assert sum(result[3].sum() for result in metric.results) == 30 * 28 + 20 * 32


def test_labels_of_validation_keep_their_own_size(seg_batch):
    batch = seg_batch(((30, 28), (30, 28)))
    for sample in batch['data_samples']:
        del sample.gt_sem_seg.data
        sample.gt_sem_seg.data = torch.zeros(1, 60, 56, dtype=torch.long)
    out = MultiModalDataPreprocessor(size_divisor=16)(batch, training=False)
    assert all(label.shape == (1, 60, 56) for label in labels(out['data_samples']))


@pytest.mark.parametrize('shape', [(7,), (5, 7)])
def test_what_is_no_image_is_only_stacked(shape, cls_batch):
    tensors = [torch.randn(shape), torch.randn(shape)]
    batch = dict(inputs=dict(audio=tensors), data_samples=cls_batch()['data_samples'])
    out = MultiModalDataPreprocessor(size_divisor=16)(batch)
    assert torch.equal(out['inputs']['audio'], torch.stack(tensors))
    assert 'padding_size' not in out['data_samples'][0]


def test_labels_follow_the_images_whatever_comes_first(seg_batch):
    batch = seg_batch(((30, 28), (30, 28)))
    batch['inputs'] = dict(text=[torch.zeros(7), torch.zeros(7)], **batch['inputs'])
    out = MultiModalDataPreprocessor(size_divisor=16)(batch, training=True)
    assert out['inputs']['rgb'].shape[-2:] == (32, 32)
    assert all(label.shape == (1, 32, 32) for label in labels(out['data_samples']))


def test_samples_may_be_absent(seg_batch):
    out = MultiModalDataPreprocessor(size_divisor=16)(dict(inputs=seg_batch(MIXED)['inputs']))
    assert out['data_samples'] is None
    assert out['inputs']['rgb'].shape == (2, 3, 32, 32)


def test_everything_goes_to_the_preprocessors_device(seg_batch):
    preprocessor = MultiModalDataPreprocessor().to(torch.device('meta'))
    out = preprocessor(seg_batch())
    assert {x.device.type for x in out['inputs'].values()} == {'meta'}
    assert {label.device.type for label in labels(out['data_samples'])} == {'meta'}


def test_several_sizes_are_told_once_where_scores_depend_on_them(seg_batch, caplog):
    MMLogger.get_instance('sizes', logger_name='sizes').addHandler(caplog.handler)
    preprocessor = MultiModalDataPreprocessor(size_divisor=16)
    preprocessor(seg_batch(((30, 32), (30, 32))), training=False)
    preprocessor(seg_batch(((30, 32), (32, 32))), training=True)
    assert 'several sizes' not in caplog.text
    for _ in range(2):
        preprocessor(seg_batch(((30, 32), (32, 32))), training=False)
    assert caplog.text.count('rgb, depth: images of several sizes are padded') == 1


@pytest.mark.parametrize(('kind', 'cure'), [
    ('seg', r"dict\(type='mmseg.Resize', scale=..., keep_ratio=False\)"),
    ('cls', r"dict\(type='TransformImages', modality='rgb', transforms=\[dict\(type="
            r"'mmpretrain.Resize'")])
def test_the_cure_of_several_sizes_is_that_of_the_samples(kind, cure, seg_batch, cls_batch, caplog):
    MMLogger.get_instance(f'sizes_{kind}', logger_name=kind).addHandler(caplog.handler)
    batch = seg_batch(MIXED)
    if kind == 'cls':
        batch['data_samples'] = cls_batch()['data_samples']
    MultiModalDataPreprocessor()(batch)
    assert re.search(cure, caplog.text)


@pytest.mark.parametrize('divisor', [None, 0, -32, 16.0, '32'])
def test_what_is_no_divisor_is_refused_when_the_model_is_built(divisor):
    cfg = load_config('mmanet/streets_rgb-ir',
                      {'model.data_preprocessor.size_divisor': divisor}, teachers=False)
    with pytest.raises(ValueError, match=rf'size_divisor={divisor}: give a whole number of 1 or'):
        MODELS.build(cfg.model)
