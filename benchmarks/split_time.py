"""Times the band split of FDKD against its definition by FFT, forward and backward.

Example::

    python benchmarks/split_time.py --shape 16 512 30 40 --threads 2
"""

import argparse
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mmfkd.analysis import compare
from mmfkd.devices import default_device
from mmfkd.models.losses import split_bands


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--shape', nargs=4, type=int, default=(16, 512, 30, 40),
                        metavar=('N', 'C', 'H', 'W'))
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--warmup', type=int, default=2)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def fft_bands(x: Tensor, mask: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Low band by FFT; the high band is what it and the mean leave over.

    Args:
        x: (N, C, H, W).
        mask: 1 at low frequencies of ``rfftn`` over ``dims``, broadcast over the others.
        dims: axes of the transform.
    """
    sizes = [x.size(dim) for dim in dims]
    low = torch.fft.irfftn(torch.fft.rfftn(x, dim=dims) * mask, s=sizes, dim=dims)
    return low, x - x.mean(dims, keepdim=True) - low


def low_mask(x: Tensor, dims: tuple[int, ...], cutoff: float = 0.5) -> Tensor:
    """Mask of the low frequencies without DC, as :func:`split_bands` defines them."""
    if len(dims) == 1:
        bins = x.size(dims[0]) // 2
        mask = torch.arange(bins + 1, device=x.device) <= round(cutoff * bins)
        mask[0] = False
        return mask.float().view(-1, 1, 1)
    height, width = x.shape[-2:]
    rows = torch.fft.fftfreq(height, device=x.device).abs() <= cutoff / 2 + 1e-9
    columns = torch.fft.rfftfreq(width, device=x.device) <= cutoff / 2 + 1e-9
    mask = rows[:, None] & columns
    mask[0, 0] = False
    return mask.float()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = default_device()
    x = torch.randn(args.shape, device=device)
    grads = torch.randn_like(x), torch.randn_like(x)
    table = Table('axes', 'FFT (ms)', 'split_bands (ms)', 'ratio', 'largest difference')
    for name, dims in (('channel', (1,)), ('spatial', (-2, -1))):
        mask = low_mask(x, dims)
        dim = dims if len(dims) > 1 else dims[0]

        def run(split, x=x) -> list[Tensor]:
            leaf = x.detach().requires_grad_(True)
            bands = split(leaf)
            torch.autograd.backward(bands, grads)
            return [*bands, leaf.grad]

        def by_fft(x: Tensor, mask=mask, dims=dims) -> tuple[Tensor, Tensor]:
            return fft_bands(x, mask, dims)

        def shipped(x: Tensor, dim=dim) -> tuple[Tensor, Tensor]:
            return split_bands(x, 0.5, dim)

        times = compare(lambda f=by_fft: run(f), lambda f=shipped: run(f), args.steps,
                        args.warmup, device)
        fft, ours = median(times['full']), median(times['floor'])
        difference = max((a - b).abs().max().item()
                         for a, b in zip(run(by_fft), run(shipped), strict=True))
        table.add_row(name, f'{fft * 1e3:.0f}', f'{ours * 1e3:.0f}', f'{fft / ours:.2f}',
                      f'{difference:.1e}')
    Console().print(f'{tuple(args.shape)} float32, {device}, {torch.get_num_threads()} threads, '
                    f'medians of {args.steps}, forward and backward, both bands')
    Console().print(table)


if __name__ == '__main__':
    main()
