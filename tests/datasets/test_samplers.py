"""Batches with a fixed number of samples of each source."""

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset

from mmfkd.datasets import SourceSampler, SyntheticRGBD
from mmfkd.engine.checks import check_runner
from mmfkd.registry import DATA_SAMPLERS


class Numbers(BaseDataset):
    METAINFO = dict(classes=('a',))

    def __init__(self, count):
        self.count = count
        super().__init__(pipeline=[])

    def load_data_list(self):
        return [dict(number=i) for i in range(self.count)]


def epoch(sampler, number=0):
    sampler.set_epoch(number)
    size, order = sum(sampler.counts), list(sampler)
    assert len(order) == len(sampler)
    return [order[i:i + size] for i in range(0, len(order), size)]


def test_every_batch_has_the_numbers_of_its_sources():
    data = ConcatDataset([Numbers(6), Numbers(40)])
    batches = epoch(SourceSampler(data, counts=[2, 6], seed=0))
    assert len(batches) == 7
    assert all(sum(i < 6 for i in batch) == 2 and len(batch) == 8 for batch in batches)
    seen = [i for batch in batches for i in batch]
    assert set(seen) == set(range(46))
    # The small source is gone through whole before it starts again.
    small = [i for i in seen if i < 6]
    assert sorted(small[:6]) == sorted(small[6:12]) == list(range(6))


def test_epochs_and_seeds_differ_and_are_repeated():
    data = ConcatDataset([Numbers(6), Numbers(40)])
    first = epoch(SourceSampler(data, [2, 6], seed=0))
    assert first == epoch(SourceSampler(data, [2, 6], seed=0))
    assert first != epoch(SourceSampler(data, [2, 6], seed=0), 1)
    assert first != epoch(SourceSampler(data, [2, 6], seed=1))


def test_of_one_data_set_the_sources_are_with_and_without_a_label():
    data = SyntheticRGBD(num_scenes=20, size=(16, 16), labels=0.25)
    batches = epoch(DATA_SAMPLERS.build(dict(type='SourceSampler', counts=[1, 3], dataset=data,
                                             seed=0)))
    labelled = {i for i in range(20) if 'seg_map_path' not in data.get_data_info(i)}
    assert len(labelled) == 5 and len(batches) == 5
    assert all(len(labelled & set(batch)) == 1 for batch in batches)


def test_ranks_share_the_batches(monkeypatch):
    data, parts = ConcatDataset([Numbers(6), Numbers(40)]), []
    for rank in (0, 1):
        monkeypatch.setattr('mmfkd.datasets.samplers.get_dist_info', lambda rank=rank: (rank, 2))
        parts.append(epoch(SourceSampler(data, [2, 6], seed=0)))
    assert len(parts[0]) == len(parts[1]) == 4
    assert {i for part in parts for batch in part for i in batch} == set(range(46))


@pytest.mark.parametrize(('data', 'counts', 'message'), [
    (ConcatDataset([Numbers(2), Numbers(2)]), [1], r'counts=\[1\], but there are 2 sources'),
    (ConcatDataset([Numbers(2), Numbers(2)]), [1, 0], 'give a number of 1 or more for each'),
    (SyntheticRGBD(num_scenes=4), [1, 1], r"the sources have \[4, 0\] samples: .*labels='some'"),
    ([1, 2], [1, 1], 'list has no sources: give it a ConcatDataset')])
def test_what_has_no_sources_is_refused(data, counts, message):
    with pytest.raises(ValueError, match=message):
        SourceSampler(data, counts, seed=0)


def test_the_counts_are_those_of_the_batch(make_runner, distiller_config, seg_branch):
    model = distiller_config(dict(loss_kd=dict(type='KDLoss')),
                             make=lambda modality='rgb': seg_branch(modality, classes=4))

    def made(counts):
        return make_runner(model, f'run{counts}', train_dataloader=dict(
            sampler=dict(_delete_=True, type='SourceSampler', counts=counts),
            dataset=dict(labels=0.5)))

    with pytest.raises(ValueError, match=r'counts=\[1, 2\] add up to 3, but .*batch_size=2'):
        check_runner(made([1, 2]))
    runner = made([1, 1])
    check_runner(runner)
    runner.train()
    assert runner.iter == 2
