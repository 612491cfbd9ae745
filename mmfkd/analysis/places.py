"""The places of a network that can be tapped, and the random batch that finds them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmfkd.config import branch_config
from mmfkd.models.branch import Branch
from mmfkd.models.layouts import guess
from mmfkd.models.networks import BertEncoder, FramePooling, HFEncoder


class Place(NamedTuple):
    """A place that :class:`mmfkd.models.Taps` can record.

    Attributes:
        spec: the text to write into ``taps``.
        kind: 'output' or 'input'.
        module: class of the module.
        shape: of the recorded tensor, batch first.
        stride: pixels of the input per pixel of an (N, C, H, W) tensor, vertical and horizontal;
            None for other tensors.
        layout: that the shape suggests, to be written after the place unless it is NCHW; None
            where it suggests none. See :mod:`mmfkd.models.layouts`.
        overwritten: a later in-place operation changes the tensor, so a tap gets what that
            operation made of it; where that is an in-place module, tap the module's input.
    """

    spec: str
    kind: str
    module: str
    shape: tuple[int, ...]
    stride: tuple[float, float] | None
    layout: str | None
    overwritten: bool


def list_places(branch: Branch, inputs: Mapping[str, Tensor], data_samples: list | None,
                mode: str) -> list[Place]:
    """Runs a copy of a branch once and lists what its modules were given and returned.

    Outputs are listed of every module that was called, item by item where they are tuples or
    dicts; inputs where the module overwrites them, because only ``path@in`` shows what was there
    before. Scalars (the value of a loss) and integers are left out. Of a module that is called
    several times, the last call counts, as for taps.

    Args:
        branch: the network; it stays as it is.
        inputs: one (N, C, H, W) tensor per modality, raw. N of at least 2, for the batch norms
            of a student.
        data_samples: with labels for 'loss'.
        mode: 'loss' as students run (training), 'tensor' as teachers run (evaluation).

    Returns:
        places in the order in which the network defines its modules.
    """
    branch = deepcopy(branch).train(mode == 'loss')
    seen: dict[str, dict[str, tuple[Tensor, int]]] = {}
    modules = {path: module for path, module in branch.model.named_modules() if path}
    for path, module in modules.items():
        _watch(path, module, seen.setdefault(path, {}))
    with torch.no_grad():
        branch(inputs, data_samples, mode=mode, record=False)
    size = inputs[branch.modalities[0]].shape[2:]
    return [
        Place(spec, 'input' if spec.endswith('@in') else 'output', type(modules[path]).__name__,
              tuple(tensor.shape), _stride(tensor, size), guess(tensor.shape, size),
              tensor._version != version)
        for path, tensors in seen.items() for spec, (tensor, version) in tensors.items()]


def _watch(path: str, module: nn.Module, seen: dict[str, tuple[Tensor, int]]) -> None:
    """Fills ``seen`` with tensors and their version, a count that in-place operations raise."""
    def before(module: nn.Module, args: tuple) -> None:
        seen.clear()
        if args and _is_feature(args[0]):
            seen[f'{path}@in'] = (args[0].clone(), args[0]._version)

    def after(module: nn.Module, args: tuple, output: Any) -> None:
        if args and _is_feature(args[0]):
            copy, version = seen.pop(f'{path}@in')
            if args[0]._version != version:
                seen[f'{path}@in'] = (copy, copy._version)
        for suffix, tensor in _items(output):
            seen[path + suffix] = (tensor, tensor._version)

    module.register_forward_pre_hook(before)
    module.register_forward_hook(after)


def _items(output: Any) -> Iterator[tuple[str, Tensor]]:
    if _is_feature(output):
        yield '', output
        return
    items: Iterable[tuple[Any, Any]]
    if isinstance(output, Mapping):
        items = [(key, value) for key, value in output.items() if str(key).isidentifier()]
    else:
        items = enumerate(output) if isinstance(output, (tuple, list)) else ()
    for key, value in items:
        yield from ((f'[{key}]{suffix}', tensor) for suffix, tensor in _items(value))


def _is_feature(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.ndim >= 2


def _stride(tensor: Tensor, size: Sequence[int]) -> tuple[float, float] | None:
    if tensor.ndim != 4 or len(size) != 2:
        return None
    return size[0] / tensor.shape[2], size[1] / tensor.shape[3]


def branch_arguments(spec: Mapping) -> dict:
    """Arguments of :class:`Branch` for an entry of ``students`` or ``teachers``.

    Args:
        spec: with ``model``, or with the ``config`` that has it.

    Raises:
        FileNotFoundError: the teacher's config does not exist.
        ValueError: neither is given, or the config trains no student.
    """
    if spec.get('model') is None and not spec.get('config'):
        raise ValueError("a branch needs 'model', or the 'config' that has it")
    source = branch_config(spec) if spec.get('model') is None else spec
    return dict(model=source['model'], modality=source['modality'], norm=source.get('norm'),
                taps=source.get('taps'), pool=source.get('pool') or ())


def random_batch(branches: Sequence[Branch], size: Sequence[int] | Mapping[str, Sequence[int]],
                 batch: int) -> dict:
    """A batch as the data loader collates it, of random inputs and random labels.

    Args:
        branches: those that will take it; the first one decides kind and number of the labels.
        size: height and width in pixels, of all modalities or per modality; for text 1 and the
            number of tokens.
        batch: number of samples.

    Returns:
        ``inputs``, per modality a list of (C, H, W) or (T, C, H, W) float32 tensors distributed
        as the branch's normalisation expects them, or of int64 tokens; and ``data_samples``.

    Raises:
        ValueError: ``size`` or ``batch`` is below 1, or a modality is no image to its network.
    """
    names = [modality for branch in branches for modality in branch.modalities]
    sizes = dict(size) if isinstance(size, Mapping) else dict.fromkeys(names, tuple(size))
    if min(batch, *(length for pixels in sizes.values() for length in pixels)) < 1:
        raise ValueError(f'size {sizes} and batch {batch} must be at least 1')
    inputs = {modality: list(random_inputs(branch, modality, sizes[modality], batch))
              for branch in branches for modality in branch.modalities}
    labelled = sizes[branches[0].modalities[0]]
    return dict(inputs=inputs, data_samples=_random_samples(branches[0].model, labelled, batch))


def random_inputs(branch: Branch, modality: str, size: Sequence[int], batch: int) -> Tensor:
    """A batch of one modality of a branch; arguments, values and errors of :func:`random_batch`."""
    modules = list(branch.model.modules())
    words = [module.vocabulary for module in modules
             if isinstance(module, (BertEncoder, HFEncoder)) and module.vocabulary]
    if words:
        return torch.randint(1, words[0], (batch, size[1]))
    if any(isinstance(module, HFEncoder) and not module.spectrogram
           and module.net.main_input_name == 'input_values' for module in modules):
        return torch.randn(batch, size[0] * size[1])  # a wave
    clips = [module.frames for module in modules if isinstance(module, FramePooling)]
    shape = (batch, *(clips if clips else ()))
    if modality in branch.norms:
        norm: Any = branch.norms[modality]
        mean, std = (torch.tensor(norm.arguments[key]).view(-1, 1, 1) for key in ('mean', 'std'))
        return torch.randn(*shape, len(mean), *size) * std + mean
    convs = [module for module in modules if isinstance(module, nn.Conv2d)]
    if not convs:
        raise ValueError(f"modality '{modality}': its branch has neither 'norm' nor a convolution "
                         'that tells the number of input channels')
    return torch.randn(*shape, convs[0].in_channels, *size)


def _random_samples(model: Any, size: Sequence[int], batch: int) -> list:
    if isinstance(model, BaseSegmentor):
        labels = torch.randint(model.num_classes, (batch, 1, *size))
        return [SegDataSample(gt_sem_seg=PixelData(data=label),
                              metainfo=dict(img_shape=tuple(size))) for label in labels]
    # Classifiers of timm have no head of mmpretrain.
    classes = model.head.num_classes if hasattr(model, 'head') else model.model.num_classes
    return [DataSample().set_gt_label(label) for label in torch.randint(classes, (batch,))]
