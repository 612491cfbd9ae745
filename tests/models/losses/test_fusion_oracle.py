"""The terms of CDDFuse against loops and libraries."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from mmfkd.evaluation.fused_images import measures, stretched
from mmfkd.models.losses.fusion import (
    correlation,
    decomposition,
    dissimilarity,
    edges,
    gradient_gap,
)

DOWN = np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])


def images(*shape, count=2, seed=0):
    torch.manual_seed(seed)
    return [torch.rand(*shape, dtype=torch.float64) for _ in range(count)]


def ssim_by_loops(x, y):
    """dssim of one pair (H, W), pixel by pixel; the border is reflected without the edge."""
    line = [math.exp(-(i - 5) ** 2 / (2 * 1.5 ** 2)) for i in range(11)]
    window = np.outer(line, line) / sum(line) ** 2
    x, y = (np.pad(z, 5, mode='reflect') for z in (x, y))
    total = 0.0
    height, width = x.shape[0] - 10, x.shape[1] - 10
    for i in range(height):
        for j in range(width):
            a, b = x[i:i + 11, j:j + 11], y[i:i + 11, j:j + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * a * a).sum() - ma ** 2, (window * b * b).sum() - mb ** 2
            cov = (window * a * b).sum() - ma * mb
            value = ((2 * ma * mb + 1e-4) * (2 * cov + 9e-4)
                     / ((ma ** 2 + mb ** 2 + 1e-4) * (va + vb + 9e-4)))
            total += min(max(1 - value, 0), 1) / 2
    return total / (height * width)


def test_dissimilarity_is_that_of_the_loops():
    x, y = images(2, 1, 9, 12)
    y = 0.5 * x + 0.5 * y
    wanted = np.mean([ssim_by_loops(a[0].numpy(), b[0].numpy()) for a, b in
                      zip(x, y, strict=True)])
    assert float(dissimilarity(x, y)) == pytest.approx(wanted, abs=1e-9)
    assert float(dissimilarity(x, x)) == pytest.approx(0, abs=1e-12)


def test_edges_and_gradients_are_those_of_scipy():
    x, y = images(1, 1, 8, 11)
    plain = [ndimage.correlate(z[0, 0].numpy(), DOWN, mode='constant') for z in (x, x.mT)]
    assert np.allclose(edges(x)[0, 0].numpy(), abs(plain[0]) + abs(plain[1].T))
    parts = [[ndimage.correlate(z[0, 0].numpy(), kernel, mode='nearest') / 8
              for kernel in (DOWN, DOWN.T)] for z in (x, y)]
    assert float(gradient_gap(x, y)) == pytest.approx(np.abs(np.subtract(*parts)).mean())


def test_correlations_are_those_of_numpy():
    x, y = images(2, 3, 4, 5)
    wanted = [np.corrcoef(x[n, d].flatten(), y[n, d].flatten())[0, 1]
              for n in range(2) for d in range(3)]
    assert float(correlation(x, y)) == pytest.approx(np.mean(wanted), abs=1e-6)
    a, b = images(2, 3, 4, 5, seed=1)
    assert float(decomposition((x, y), (a, b))) == pytest.approx(
        float(correlation(a, b)) ** 2 / (1.01 + float(correlation(x, y))))
    assert float(correlation(torch.ones(1, 1, 2, 2), torch.rand(1, 1, 2, 2))) == 0


def test_numbers_of_an_image():
    image = np.array([[0.0, 255.0], [255.0, 255.0]])
    entropy, deviation, frequency = measures(image)
    assert entropy == pytest.approx(-(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75)))
    assert deviation == pytest.approx(np.std([0, 255, 255, 255]))
    assert frequency == pytest.approx(255)  # half of the steps either way
    assert stretched(np.array([0.2, 0.4, 0.3])) == pytest.approx([0, 1, 0.5])
    assert stretched(np.full(3, 0.2)) == pytest.approx([0, 0, 0])
