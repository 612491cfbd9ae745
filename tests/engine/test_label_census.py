"""Classes that occur in no label are named, and labels that all are ignored are refused."""

import logging

import pytest
from mmcv.transforms import BaseTransform

from mmfkd.engine import LabelCensusHook
from mmfkd.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MapLabels(BaseTransform):
    """Makes two values of the rendered labels: 0, and another one."""

    def __init__(self, other):
        self.other = other

    def transform(self, results):
        other = 255 if self.other == 'ignored' else self.other
        results['gt_seg_map'] = (results['gt_seg_map'] > 2).astype('uint8') * other
        if self.other == 'ignored':
            results['gt_seg_map'][:] = 255
        return results


def run(seg_branch, distiller_config, make_runner, other=None):
    steps = [dict(type='RenderRGBD'), *([dict(type='MapLabels', other=other)] if other else []),
             dict(type='StackModalities'), dict(type='PackModalities')]
    loader = dict(dataset=dict(pipeline=steps))
    runner = make_runner(distiller_config(students=dict(student=seg_branch(classes=4)),
                                          teachers={}), validate=True, log_level='INFO',
                         train_dataloader=loader)
    runner.register_hook(LabelCensusHook())
    runner.train()
    return runner


def test_a_class_without_a_label_is_named(seg_branch, distiller_config, make_runner, caplog):
    with caplog.at_level(logging.WARNING):
        runner = run(seg_branch, distiller_config, make_runner, other=3)
    told = [record.getMessage() for record in caplog.records if 'occurs in no' in
            record.getMessage()] or open(f'{runner.log_dir}/{runner.timestamp}.log').read().split(
                '\n')
    train, = [line for line in told if 'in no label of train' in line]
    names = runner.train_dataloader.dataset.metainfo['classes']
    for i, name in enumerate(names):
        assert (repr(name) in train) == (i not in (0, 3))
    assert 'left out of means' not in train


def test_labels_that_are_all_ignored_are_refused(seg_branch, distiller_config, make_runner):
    with pytest.raises(ValueError, match='no label of train counts: all are ignored'):
        run(seg_branch, distiller_config, make_runner, other='ignored')


def test_masks_of_0_and_255_are_refused(seg_branch, distiller_config, make_runner):
    with pytest.raises(ValueError, match='train hold .* alone, and .*% of them are ignored, as 255'
                                         ' is: write masks of 0 and 255 as 0 and 1'):
        run(seg_branch, distiller_config, make_runner, other=255)


def test_labels_of_every_class_are_no_news(seg_branch, distiller_config, make_runner):
    runner = run(seg_branch, distiller_config, make_runner)
    log = open(f'{runner.log_dir}/{runner.timestamp}.log').read()
    hook, = [hook for hook in runner.hooks if isinstance(hook, LabelCensusHook)]
    assert hook._told == {'train', 'val'} and hook._counts == {}
    assert log.count('occurs in no label of train') <= 1
