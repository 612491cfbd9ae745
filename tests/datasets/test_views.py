"""Views of a data set: which data sets have them."""

import random

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform

from mmfkd.datasets import SyntheticRGBD, ViewedDataset
from mmfkd.registry import DATASETS, TRANSFORMS

PIPELINE = [dict(type='RenderRGBD'), dict(type='StackModalities'), dict(type='PackModalities')]
ROOMS = dict(type='SyntheticRGBD', num_scenes=3, size=(32, 32), pipeline=PIPELINE)


class Mixed(SyntheticRGBD):
    """A data set that mixes samples itself."""

    def prepare_data(self, idx):
        return super().prepare_data(idx - 1)


@pytest.mark.parametrize('dataset', [
    dict(type='RepeatDataset', times=2, dataset=ROOMS),
    dict(type='mmseg.MultiImageMixDataset', dataset=ROOMS, pipeline=[]),
    dict(type='ConcatDataset', datasets=[ROOMS, dict(ROOMS, type='Mixed')])])
def test_data_sets_that_repeat_or_mix_samples_are_refused(dataset, monkeypatch):
    monkeypatch.setitem(DATASETS.module_dict, 'Mixed', Mixed)
    with pytest.raises(ValueError, match='(RepeatDataset|MultiImageMixDataset|Mixed) has no '
                                         'pipeline for one sample .*ConcatDataset of some, or le'):
        ViewedDataset(dataset, 2)


def test_data_sets_may_be_joined_within_each_other():
    inner = dict(type='ConcatDataset', datasets=[ROOMS, dict(ROOMS, seed=1)])
    viewed = ViewedDataset(dict(type='ConcatDataset', datasets=[dict(ROOMS, seed=2), inner]), 2)
    assert len(viewed) == 9
    assert viewed[8]['data_samples'].metainfo['view'] == (8, 0)
    assert viewed.get_data_info(8) == ViewedDataset(dict(ROOMS, seed=1), 2).get_data_info(2)


class Drawing(BaseTransform):
    """A step that draws from what it is given."""

    def __init__(self, held):
        self.held = held

    def transform(self, results):
        return results


OWN = [np.random.default_rng(), np.random.RandomState(0), random.Random(), torch.Generator()]
SHARED = [random._inst, np.random.mtrand._rand, torch.default_generator, np.random, random]


def viewed(step):
    return ViewedDataset(dict(ROOMS, pipeline=[PIPELINE[0], step, *PIPELINE[1:]]), 2)


@pytest.mark.parametrize('generator', OWN)
@pytest.mark.parametrize('around', [
    lambda one: one, lambda one: [dict(of=one)], lambda one: Drawing(one)])
@pytest.mark.parametrize('nested', [False, True])
def test_a_generator_that_no_view_seeds_is_refused(generator, around, nested, monkeypatch):
    monkeypatch.setitem(TRANSFORMS.module_dict, 'Drawing', Drawing)
    step = dict(type='Drawing', held=around(generator))
    if nested:
        step = dict(type='RandomApply', transforms=[step])
    with pytest.raises(ValueError, match='(Drawing|RandomApply) of the pipeline has a random gen'
                                         ".*, '(held|of)', so that"):
        viewed(step)


@pytest.mark.parametrize('generator', SHARED)
def test_one_that_views_seed_may_be_held(generator, monkeypatch):
    monkeypatch.setitem(TRANSFORMS.module_dict, 'Drawing', Drawing)
    assert len(viewed(dict(type='Drawing', held=generator))) == 3
