"""Size and bands of features, and the shapes of the losses."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmfkd.analysis.feature_scale import (
    BANDS,
    band_energy,
    band_shares,
    feature_scale,
    pooled_scale,
)
from mmfkd.analysis.loss_shapes import log_mse_shape, mse_shape
from mmfkd.models.losses import log_compress
from mmfkd.visualization.charts import bars, heat_map, lines


def test_scale_is_over_all_values():
    x = torch.randn(7, 5, 3, 2) * 4 + 1000
    scale = feature_scale(x)
    values = x.double().numpy()
    assert scale.count == 210
    assert scale.mean == pytest.approx(values.mean(), rel=1e-12)
    assert scale.std == pytest.approx(values.std(), rel=1e-12)


def test_batches_pool_to_the_scale_of_the_set():
    x = np.random.default_rng(0).normal(size=(10, 6)) + np.arange(10)[:, None] * 100
    pooled = pooled_scale([feature_scale(x[:3]), feature_scale(x[3:4]), feature_scale(x[4:])])
    assert pooled == pytest.approx(feature_scale(x), rel=1e-12)
    assert np.mean([x[:3].std(), x[3:4].std(), x[4:].std()]) < 0.8 * pooled.std


def test_nothing_has_no_scale():
    with pytest.raises(ValueError, match='no batch'):
        pooled_scale([])
    for x in (torch.zeros(0, 4), torch.tensor([[1.0, float('nan')]])):
        for function in (feature_scale, band_energy):
            with pytest.raises(ValueError, match='empty, or NaN or infinite'):
                function(x)


def by_fft(x, cutoff):
    """Energies along the last axis from the squares of the Fourier coefficients."""
    length = x.shape[-1]
    spectrum = (np.abs(np.fft.fft(x, axis=-1)) ** 2).reshape(-1, length).sum(0) / length
    bins = np.minimum(np.arange(length), length - np.arange(length))
    low = (bins > 0) & (bins <= round(cutoff * (length // 2)))
    high = bins > round(cutoff * (length // 2))
    return dict(dc=spectrum[0], low=spectrum[low].sum(), high=spectrum[high].sum())


@pytest.mark.parametrize('length', [8, 9, 64])
@pytest.mark.parametrize('cutoff', [0.0, 0.25, 0.5, 1.0])
def test_energies_are_those_of_the_spectrum(length, cutoff):
    x = np.random.default_rng(0).normal(size=(6, length)) + 0.7
    energy = band_energy(x, cutoff)
    assert energy == pytest.approx(by_fft(x, cutoff), rel=1e-9)
    assert sum(energy.values()) == pytest.approx(np.square(x).sum(), rel=1e-9)


@pytest.mark.parametrize('dim', [1, (-2, -1)])
def test_shares_of_maps_sum_to_one_and_batches_add_up(dim):
    x = torch.rand(4, 6, 5, 8)
    shares = band_shares([band_energy(x[:1], dim=dim), band_energy(x[1:], dim=dim)])
    assert tuple(shares) == BANDS
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert shares == pytest.approx(band_shares([band_energy(x, dim=dim)]), rel=1e-9)
    # Of values from 0 to 1 the mean has three quarters.
    assert 0.65 < shares['dc'] < 0.85


def test_pure_tones_are_in_their_band():
    wave = torch.arange(32) * 2 * torch.pi / 32
    tones = dict(dc=torch.ones(32), low=(3 * wave).sin(), high=(12 * wave).sin())
    for band, tone in tones.items():
        shares = band_shares([band_energy(tone[None])])
        assert shares[band] == pytest.approx(1, abs=1e-6)


def test_a_feature_of_zeros_has_no_shares():
    with pytest.raises(ValueError, match='0 everywhere'):
        band_shares([band_energy(torch.zeros(2, 8))])


# ---------------------------------------------------------------- loss shapes


def by_autograd(difference, teacher, log):
    """Gradient and sum of the squares, from what the loss itself is made of."""
    student = (torch.from_numpy(difference) + teacher).requires_grad_(True)
    values = student, torch.full_like(student, teacher)
    loss = F.mse_loss(*(map(log_compress, values) if log else values), reduction='sum')
    gradient, = torch.autograd.grad(loss, student)
    return gradient.numpy(), loss.item()


@pytest.mark.parametrize('teacher', [0.0, 1.5, -0.3])
def test_shapes_are_those_of_the_loss(teacher):
    x = np.linspace(-4, 4, 33)
    for shape, log in ((mse_shape(x), False), (log_mse_shape(x, teacher), True)):
        gradient, total = by_autograd(x, teacher, log)
        assert shape.gradient == pytest.approx(gradient, abs=1e-12)
        assert shape.loss.sum() == pytest.approx(total, rel=1e-12)


def test_log_mse_is_weak_where_mse_is_strong():
    x = np.array([0.01, 1.0, 5.0, 50.0])
    ratio = log_mse_shape(x).gradient / mse_shape(x).gradient
    assert ratio[0] == pytest.approx(1, abs=0.02)
    assert np.all(np.diff(ratio) < 0) and ratio[-1] < 0.01
    assert log_mse_shape(x).loss[-1] == pytest.approx(np.log(51) ** 2)


# ---------------------------------------------------------------- charts


def gains(values, spread=0.0):
    groups = {name: dict(gain=value) for name, value in values.items()}
    errors = {name: dict(gain=spread) for name in values}
    return bars(groups, 'gain', errors=errors, cut=True).axes[0]


def test_an_outlier_is_cut_and_says_its_value():
    axes = gains(dict(a=1.0, b=2.0, c=-1.5, d=-60.0))
    assert [text.get_text() for text in axes.texts] == ['-60']
    low, high = axes.get_ylim()
    assert -10 < low <= -1.5 and 2 < high < 10
    assert sorted(patch.get_height() for patch in axes.patches) == [-60, -1.5, 1, 2]
    assert bars(dict(a=dict(x=1.0), b=dict(x=90.0), c=dict(x=1.0)), 'x').axes[0].get_ylim()[1] > 90


def test_what_is_no_outlier_stays_whole_with_its_error_bar():
    axes = gains(dict(a=1.0, b=2.0, c=-1.5))
    assert not axes.texts
    axes = gains(dict(a=0.05, b=0.1, c=2.8), 1.5)
    assert not axes.texts and axes.get_ylim()[1] > 4.3 and axes.get_ylim()[0] < -1.4
    axes = gains(dict(a=0.9, b=-0.4, c=0.1, d=0.0, e=-25.1), 1.7)
    assert [text.get_text() for text in axes.texts] == ['-25.1']
    assert axes.get_ylim()[1] > 2.6 and axes.get_ylim()[0] < -2.1


def test_charts_show_what_they_are_given():
    groups = dict(a=dict(mean=1.0, low=2.0), b=dict(mean=3.0, low=4.0))
    axes, = bars(groups, 'value', 'title', groups).axes
    assert sorted(patch.get_height() for patch in axes.patches) == [1, 2, 3, 4]
    figure = lines(np.arange(3), dict(one=dict(y=np.arange(3)), two=dict(z=np.ones(3))), 'x')
    assert [axes.get_title() for axes in figure.axes] == ['one', 'two']
    axes = heat_map(np.array([[0.5, 1], [3, 5]]), 'ab', 'cd', ('row', 'column')).axes[0]
    assert [text.get_text() for text in axes.texts] == ['0.50', '1.00', '3.00', '5.00']
