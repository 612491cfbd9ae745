"""Devices that networks run on."""

from argparse import ArgumentTypeError

import torch


def check_device(name: str) -> torch.device:
    """The device of a name.

    Args:
        name: ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        ValueError: it is of another kind, or this machine has no such GPU.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device('meta')
    if device.type not in ('cpu', 'cuda'):
        raise ValueError(f"{name}: name 'cpu', 'cuda' or a GPU such as 'cuda:1'")
    count = torch.cuda.device_count()
    if device.type == 'cuda' and (device.index or 0) >= count:
        raise ValueError(f'{name}: PyTorch sees {count} GPUs here; they count from cuda:0')
    return device


def torch_device(name: str) -> torch.device:
    """The same for command lines.

    Raises:
        ArgumentTypeError: see :func:`check_device`.
    """
    try:
        return check_device(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def default_device() -> torch.device:
    """The first GPU, or the CPU where there is none."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def device_name(device: torch.device) -> str:
    """What a table calls it: the model of a GPU, with its number where several are there."""
    if device.type == 'cpu':
        return 'cpu'
    number = f' {device.index}' if device.index else ''
    return torch.cuda.get_device_name(device) + number
