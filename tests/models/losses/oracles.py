"""Float64 numpy loops that the oracles of the losses share, and the checks against them.

Nothing here knows the code under test: an oracle is a function of the student's and the teacher's
arrays (one each, or a list each) that returns the terms; gradients are its central differences.
"""

from copy import deepcopy

import numpy as np
import torch

IGNORE = 255
STEP = 1e-5
ENTRIES = 24


# ------------------------------------------------------------------------------------ operators


def draw(*shape, scale=1.0, seed=0):
    """Normal numbers that float32 holds exactly."""
    numbers = scale * np.random.default_rng(seed).standard_normal(shape)
    return numbers.astype(np.float32).astype(np.float64)


def log_softmax(vector):
    shifted = vector - vector.max()
    return shifted - np.log(np.exp(shifted).sum())


def kl(log_p, log_q):
    """KL(p || q) of one position."""
    return (np.exp(log_p) * (log_p - log_q)).sum()


def positions(x):
    """Vectors of an (N, C) or (N, C, H, W) array, one by one."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def nearest(x, size):
    """(..., H, W) at another size; a pixel takes the one that holds its upper left corner."""
    out = np.empty((*x.shape[:-2], *size), x.dtype)
    for i, j in np.ndindex(*size):
        out[..., i, j] = x[..., i * x.shape[-2] // size[0], j * x.shape[-1] // size[1]]
    return out


def between(index, length, size):
    """Two neighbours of a pixel's centre in the old grid, and the share of the second."""
    centre = max((index + 0.5) * length / size - 0.5, 0)
    first = int(np.floor(centre))
    return first, min(first + 1, length - 1), centre - first


def bilinear(x, size):
    """(..., H, W) at another size; corners are not aligned, edges repeat."""
    out = np.empty((*x.shape[:-2], *size))
    for i, j in np.ndindex(*size):
        top, bottom, v = between(i, x.shape[-2], size[0])
        left, right, h = between(j, x.shape[-1], size[1])
        out[..., i, j] = ((1 - v) * ((1 - h) * x[..., top, left] + h * x[..., top, right])
                          + v * ((1 - h) * x[..., bottom, left] + h * x[..., bottom, right]))
    return out


def pool(x, size):
    """Means of (..., H, W) over the cells of a grid, which overlap where they do not divide it."""
    out = np.empty((*x.shape[:-2], *size))
    for i, j in np.ndindex(*size):
        rows, columns = (slice(index * length // cells, -(-(index + 1) * length // cells))
                         for index, length, cells in zip((i, j), x.shape[-2:], size, strict=True))
        out[..., i, j] = x[..., rows, columns].mean((-2, -1))
    return out


def conv(x, weight, bias=None):
    """Convolution of (N, C, H, W) with an odd kernel, padded to keep the size."""
    k = weight.shape[-1]
    padded = np.pad(x, [(0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2)])
    out = np.empty((x.shape[0], weight.shape[0], *x.shape[2:]))
    for i, j in np.ndindex(*x.shape[2:]):
        window = padded[:, :, i:i + k, j:j + k].reshape(len(x), -1)
        out[:, :, i, j] = window @ weight.reshape(len(weight), -1).T
    return out if bias is None else out + bias[:, None, None]


def batch_norm(x, weights, name):
    """Of (N, C) or (N, C, H, W), with the statistics of the batch."""
    out = np.empty_like(x)
    for c in range(x.shape[1]):
        centred = x[:, c] - x[:, c].mean()
        unit = centred / np.sqrt((centred ** 2).mean() + 1e-5)
        out[:, c] = weights[f'{name}.weight'][c] * unit + weights[f'{name}.bias'][c]
    return out


# --------------------------------------------------------------------------------------- checks


def listed(x):
    return x if isinstance(x, list) else [x]


def leaves(x, dtype):
    if isinstance(x, list):
        return [leaves(array, dtype) for array in x]
    return torch.tensor(x).to(dtype).requires_grad_()


def shaken(loss, scale=0.4):
    """The loss with parameters that are no more the special ones it starts with."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in loss.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator)
    return loss


def weights_of(loss):
    return {name: value.double().numpy() for name, value in loss.state_dict().items()}


def total(terms):
    """All terms in one number, each with another factor."""
    return sum(k * terms[name] for k, name in enumerate(sorted(terms), 1))


def run(loss, student, teacher, gt=None, dtype=torch.float32, exact=None):
    """Terms and the gradients of their total; gradients that are absent are None.

    exact: a second type, to which the inputs are brought first.
    """
    inputs = [leaves(x, dtype) for x in (student, teacher)]
    given = inputs if exact is None else [
        [y.to(exact) for y in x] if isinstance(x, list) else x.to(exact) for x in inputs]
    terms = deepcopy(loss)(*given, *([] if gt is None else [torch.tensor(np.asarray(gt))]))
    total(terms).backward()
    assert all(value.dtype == torch.float32 and value.ndim == 0 for value in terms.values())
    return terms, [[None if y.grad is None else y.grad.double().numpy() for y in listed(x)]
                   for x in inputs]


def check(loss, oracle, student, teacher, gt=None, *, both=False, flat=False, rtol=1e-4,
          atol=1e-7):
    """Compares the terms and the gradients of a loss with the oracle's.

    both: the teacher has a gradient too; else it must have none.
    flat: the gradient is zero in truth; else one that is as small as `atol` would prove nothing.
        None asks for neither.
    """
    terms, gradients = run(loss, student, teacher, gt)
    expected = oracle(student, teacher)
    assert set(terms) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name].item(), value, rtol, atol, err_msg=name)

    if not both:
        assert all(gradient is None for gradient in gradients[1])
    largest = 0.0
    for side in range(1 + both):
        arrays = listed((student, teacher)[side])
        for k, gradient in enumerate(gradients[side]):
            chosen = entries(arrays[k], -(-ENTRIES // len(arrays)))
            numeric = np.array([slope(oracle, (student, teacher), side, k, index)
                                for index in chosen])
            actual = np.array([gradient[index] for index in chosen])
            scale = np.abs(numeric).max()
            largest = max(largest, scale)
            np.testing.assert_allclose(actual, numeric, 0, rtol * scale + atol,
                                       err_msg=f'gradient of input {k} of side {side}')
    if flat is not None:
        assert largest < atol if flat else largest > 100 * atol


def entries(array, count):
    """All indices of a small array, else some."""
    flat = np.arange(array.size)
    if array.size > 2 * count:
        flat = np.random.default_rng(2).permutation(flat)[:count]
    return [np.unravel_index(index, array.shape) for index in flat]


def slope(oracle, inputs, side, k, index):
    """Central difference of the oracle's total with respect to one entry."""
    values = []
    for step in (STEP, -STEP):
        moved = list(inputs)
        changed = listed(inputs[side])[k].copy()
        changed[index] += step
        if isinstance(inputs[side], list):
            moved[side] = [changed if i == k else x for i, x in enumerate(inputs[side])]
        else:
            moved[side] = changed
        values.append(total(oracle(*moved)))
    return (values[0] - values[1]) / (2 * STEP)


def check_finite(loss, student, teacher, gt=None):
    """The terms and gradients, none of which is NaN or infinite."""
    terms, gradients = run(loss, student, teacher, gt)
    assert terms and all(np.isfinite(value.item()) for value in terms.values()), terms
    for gradient in gradients[0] + [g for g in gradients[1] if g is not None]:
        assert np.isfinite(gradient).all()
    return {name: value.item() for name, value in terms.items()}, gradients


def check_zero(loss, student, teacher, gt=None):
    """All terms and gradients are exactly 0."""
    terms, gradients = check_finite(loss, student, teacher, gt)
    assert all(value == 0 for value in terms.values()), terms
    for gradient in gradients[0] + [g for g in gradients[1] if g is not None]:
        assert not gradient.any()


def check_half(loss, dtype, student, teacher, gt=None):
    """Half precision gives what the same values give in float32."""
    half, gradients = run(loss, student, teacher, gt, dtype)
    single, others = run(loss, student, teacher, gt, dtype, exact=torch.float32)
    assert {k: v.item() for k, v in half.items()} == {k: v.item() for k, v in single.items()}
    assert total(half).item() != 0
    for side in range(2):
        for gradient, other in zip(gradients[side], others[side], strict=True):
            np.testing.assert_equal(gradient, other)
