"""Views of a data set: which data sets have them."""

import pytest

from mmfkd.datasets import SyntheticRGBD, ViewedDataset
from mmfkd.registry import DATASETS

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
