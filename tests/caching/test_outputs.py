"""Records of a teacher's taps on disk, and what is said of them."""

import pytest
import torch

from mmfkd.caching import TeacherOutputs, one_shape

IMAGE = dict(depth=(1, 32, 32))


@pytest.fixture
def opened(tmp_path):
    """``opened(**options)``: outputs of four samples in two views, as a new run opens them."""
    def opened(**options):
        return TeacherOutputs(tmp_path / 'kept', 4, 2, 'float32', **options)

    return opened


def test_what_is_kept_is_of_inputs_of_one_shape(opened):
    """Also where the tap has one shape for images of any size, and across runs."""
    logits = dict(logits=torch.rand(1, 3))
    first = opened()
    first.store(logits, [(0, 0)], IMAGE)
    for outputs in (first, opened()):
        assert torch.equal(outputs.load(['logits'], [(0, 0)], IMAGE)['logits'], logits['logits'])
        # As in an epoch in which the teacher's modality is not read.
        assert outputs.load(['logits'], [(0, 0)], {}) is not None
        with pytest.raises(ValueError, match=r"'depth' is \(1, 32, 32\) in one .* \(1, 48, 32\)"):
            outputs.store(logits, [(1, 0)], dict(depth=(1, 48, 32)))
        with pytest.raises(ValueError, match=r"'depth' is \(1, 32, 32\) in one .* \(1, 48, 32\)"):
            outputs.load(['logits'], [(0, 0)], dict(depth=(1, 48, 32)))


def test_modalities_may_differ_from_each_other():
    shapes = dict(rgb=(3, 32, 32), text=(40,))
    assert one_shape([shapes, dict(rgb=(3, 32, 32))]) == shapes


def test_a_tap_of_another_shape_is_refused(opened):
    opened().store(dict(feat=torch.rand(1, 8)), [(0, 0)], IMAGE)
    with pytest.raises(ValueError, match=r"tap 'feat' of the teacher is \(4,\) here and \(8,\)"):
        opened().store(dict(feat=torch.rand(1, 4)), [(1, 0)], IMAGE)
