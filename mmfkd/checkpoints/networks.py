"""The weights of networks in checkpoints."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from .reading import read_checkpoint


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """State dict of a checkpoint; see :func:`read_checkpoint`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated, is no checkpoint, has no weights or is refused.
    """
    return weights_in(read_checkpoint(path), path)


def weights_in(content: dict, path: str | Path) -> dict[str, Tensor]:
    """State dict in the content of a checkpoint.

    Raises:
        ValueError: there is none.
    """
    weights = content.get('state_dict', content)
    if (not isinstance(weights, dict) or not weights
            or not all(isinstance(value, Tensor) for value in weights.values())):
        raise ValueError(f'checkpoint {path} has no weights: it needs a state_dict of tensors. '
                         'Name a checkpoint that a training run wrote.')
    return weights


def branch_weights(weights: dict[str, Tensor], student: str | None = None) -> dict[str, Tensor]:
    """Weights of the network alone: of a student of a distiller's checkpoint, or all.

    Args:
        weights: state dict of a distiller, or of a plain network.
        student: its name; None takes the first.
    """
    names = [key.split('.')[1] for key in weights if key.startswith('students.')]
    if not names:
        return {key: value for key, value in weights.items()
                if not key.startswith('data_preprocessor.')}
    prefix = f'students.{student or names[0]}.model.'
    return {key[len(prefix):]: value for key, value in weights.items()
            if key.startswith(prefix)}


def load_network(model: nn.Module, path: str | Path, student: str | None = None,
                 takes: Mapping[str, Mapping | None] | None = None) -> tuple[str, ...]:
    """Loads a network's weights from a checkpoint of a distiller, or of the network alone.

    Args:
        model: the network.
        path: of the checkpoint.
        student: name of the student whose weights they are; None takes the first.
        takes: modality to normalisation, see :class:`mmfkd.models.Branch`. A checkpoint that says
            what its student takes must agree: networks of two modalities may have the same shape,
            and weights of another normalisation are of no use.

    Returns:
        names of the classes that it was trained on, as far as the checkpoint says.

    Raises:
        FileNotFoundError, ValueError: see :func:`load_weights` and :func:`load_strictly`.
        ValueError: the checkpoint is of a student of other modalities, of another
            normalisation, or of attention with another number of heads.
    """
    content = read_checkpoint(path)
    weights = branch_weights(weights_in(content, path), student)
    meta = content.get('meta')
    if takes and isinstance(meta, dict):
        check_taken(meta, student, takes, path)
        check_heads(meta, student, model, path)
    load_strictly(model, weights, path)
    return classes_in(content)


def classes_in(content: Mapping) -> tuple[str, ...]:
    """Names of the classes that a checkpoint's network was trained on, as far as it says."""
    meta = content.get('meta')
    data = meta.get('dataset_meta') if isinstance(meta, dict) else None
    classes = data.get('classes') if isinstance(data, dict) else None
    return tuple(map(str, classes or ()))


def check_taken(meta: Mapping, student: str | None, takes: Mapping[str, Mapping | None],
                path: str | Path) -> None:
    """Refuses a checkpoint whose student takes other modalities, or another normalisation.

    Args:
        meta: of the checkpoint.
        student: its name; None takes the first.
        takes: modality to normalisation of the network that is to have its weights.
        path: of the checkpoint.

    Raises:
        ValueError: names both.
    """
    saved = meta.get('modalities') or {}
    taken = saved.get(student or next(iter(saved), None), list(takes))
    if set(taken) != set(takes):
        raise ValueError(f"checkpoint {path} is of a student of '{', '.join(taken)}', and this "
                         f"network takes '{', '.join(takes)}': name a checkpoint of that "
                         'modality, or the config that this one was trained with')
    norms = meta.get('takes') or {}
    before = norms.get(student or next(iter(norms), None), takes)
    for name, norm in takes.items():
        if before.get(name) != norm:
            raise ValueError(f"checkpoint {path} was trained with norm={before.get(name)} of "
                             f"'{name}', and the config says {norm}: set norm as it was, or train "
                             'the network anew')


def heads_of(model: nn.Module) -> dict[str, int]:
    """Heads of each attention of a network by its name: no weight has another shape with them."""
    found = {name: getattr(module, 'num_attention_heads', getattr(module, 'num_heads', None))
             for name, module in model.named_modules()}
    return {name: heads for name, heads in found.items() if isinstance(heads, int)}


def check_heads(meta: Mapping, student: str | None, model: nn.Module, path: str | Path) -> None:
    """Refuses a checkpoint whose student has attention with another number of heads.

    Args:
        meta: of the checkpoint; one of an earlier version does not say it.
        student: its name; None takes the first.
        model: the network that is to have its weights.
        path: of the checkpoint.

    Raises:
        ValueError: names the first place, and both numbers.
    """
    saved = meta.get('heads') or {}
    had = saved.get(student or next(iter(saved), None)) or {}
    for name, heads in heads_of(model).items():
        if had.get(name, heads) != heads:
            raise ValueError(f'checkpoint {path} was trained with {had[name]} heads of attention '
                             f"in '{name}', and this network has {heads}: use the config that it "
                             'was trained with')


def load_strictly(model: nn.Module, weights: dict[str, Tensor], source: str | Path) -> None:
    """Loads a network's weights; every key and every shape must fit.

    Raises:
        ValueError: they do not; the message counts and names the differences.
    """
    problems = misfits(model.state_dict(), weights)
    if problems:
        raise ValueError(f'checkpoint {source} is of another architecture than '
                         f'{type(model).__name__}: {problems}. Use the config that it was trained '
                         'with.')
    model.load_state_dict(weights)


def misfits(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> str:
    """How weights differ from those of a model, counted and named; empty if they fit."""
    missing = [key for key in own if key not in weights]
    unexpected = [key for key in weights if key not in own]
    shapes = [f'{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}'
              for key in own if key in weights and weights[key].shape != own[key].shape]
    return '; '.join(
        f'{len(keys)} {what} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
        for what, keys in (('missing', missing), ('unexpected', unexpected),
                           ('of another shape', shapes)) if keys)


def weights_digest(network: nn.Module) -> str:
    """A digest of the names and the values of a network's weights, of 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
