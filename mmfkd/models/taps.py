"""Named taps: recordings of tensors inside a network while it runs."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

from torch import Tensor, nn

from .layouts import Layout, channels_first, parse_layout

_PATTERN = re.compile(
    r'(?P<path>[\w.]+)(?:@(?P<at>in)|(?P<keys>(?:\[\w+\])+))?(?::(?P<layout>\S+))?')


class Tap(NamedTuple):
    """A place in a network: a module, its input or its output, an item of tuples or dicts.

    ``layout`` is None for maps with their channels first, and for vectors.
    """

    path: str
    at_input: bool
    keys: tuple[int | str, ...] = ()
    layout: Layout | None = None


def parse_tap(name: str, spec: str) -> Tap:
    """Reads ``path``, ``path@in``, ``path[0]``, ``path[key]`` or ``path[key][0]``, and a layout.

    Raises:
        ValueError: the text has another form; the message shows the grammar.
    """
    match = _PATTERN.fullmatch(spec)
    if match is None:
        raise ValueError(f"tap '{name}': cannot read '{spec}'. Write 'path' (output), 'path@in' "
                         "(input), 'path[0]' or 'path[key]' (item of a tuple or dict output); "
                         "after it may stand a layout, 'path:NHWC'.")
    keys = re.findall(r'\[(\w+)\]', match['keys'] or '')
    return Tap(match['path'], match['at'] == 'in',
               tuple(int(key) if key.isdigit() else key for key in keys),
               parse_layout(name, match['layout']) if match['layout'] else None)


class TapError(RuntimeError):
    """A tap recorded nothing that can be used; the message says where to tap instead."""


class Taps:
    """Records inputs and outputs of named submodules, and only inside a ``with``.

    Outside :meth:`recording` no hook exists: copies of the model (EMA, export) are clean and
    inference pays nothing. A module that is called several times leaves its last call.

    Args:
        model: the network to tap.
        taps: tap name to place. ``path`` is the module's output; ``path@in`` its first input;
            ``path[i]`` and ``path[key]`` pick an item of a tuple or dict output, and
            ``path[key][i]`` an item of that. Behind a place may stand the layout of its tensor,
            ``path:1+NPC``, see :mod:`mmfkd.models.layouts`. Recorded is the tensor that the
            network goes on with, so that gradients of its task can be taken there; at an input the
            module is given a clone, because an in-place ReLU would rectify what is recorded.

    Raises:
        ValueError: a place that cannot be read or is not in the model; close matches are named.

    Example:
        >>> taps = Taps(resnet, dict(feat='layer4.1.relu@in'))
        >>> with taps.recording() as feats:
        ...     resnet(images)
        >>> feats['feat'].shape
    """

    def __init__(self, model: nn.Module, taps: Mapping[str, str]) -> None:
        modules = dict(model.named_modules())
        # Places, because modules are replaced later: batch norms by those of several processes.
        self._model = model
        self._taps: dict[str, Tap] = {}
        for name, spec in taps.items():
            tap = parse_tap(name, spec)
            if tap.path not in modules:
                close = get_close_matches(tap.path, modules, n=3, cutoff=0.4)
                raise ValueError(
                    f"tap '{name}': no module '{tap.path}' in {type(model).__name__}. "
                    f'Close: {", ".join(close) or "none"}. '
                    'mmfkd analyze taps CONFIG lists every place.')
            self._taps[name] = tap

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the taps."""
        return tuple(self._taps)

    @property
    def paths(self) -> dict[str, str]:
        """Tap to the module that it is at."""
        return {name: tap.path for name, tap in self._taps.items()}

    def arranged(self, name: str, x: Tensor, size: Sequence[int]) -> Tensor:
        """What a tap recorded with its channels first; see :func:`channels_first`.

        A tuple or dict, of which losses take nothing, stays as it is.
        """
        layout = self._taps[name].layout
        return channels_first(name, x, layout, size) if isinstance(x, Tensor) else x

    @contextmanager
    def recording(self, names: Sequence[str] | None = None) -> Iterator[dict[str, Tensor]]:
        """Yields a dict that the model's next forward fills with ``tap name: tensor``.

        Args:
            names: the taps to record; None records all. What is not recorded costs nothing.

        Raises:
            TapError: on leaving, when a tapped module was never called, or its output has
                been overwritten in place since.
        """
        feats: dict[str, Any] = {}
        versions: dict[str, int] = {}
        wanted = self.names if names is None else names
        handles = [self._hook(name, feats, versions) for name in wanted]
        try:
            yield feats
        finally:
            for handle in handles:
                handle.remove()
        silent = [f"'{name}' ({self._taps[name].path})"
                  for name in wanted if name not in feats]
        if silent:
            raise TapError(
                f'tap {", ".join(silent)} recorded nothing: the module was not called. mmseg '
                'calls decode_head.forward directly, past its hooks: tap a module inside it, such '
                'as decode_head.sep_bottleneck or decode_head.conv_seg.')
        for name, version in versions.items():
            if feats[name]._version != version:
                tap = self._taps[name]
                side = 'input' if tap.at_input else 'output'
                raise TapError(
                    f"tap '{name}': the {side} of '{tap.path}' is overwritten in place by what "
                    'follows it, such as an in-place ReLU. Tap the input of that module, '
                    "'path@in'; mmfkd analyze taps CONFIG marks these places.")

    def _hook(self, name: str, feats: dict, versions: dict) -> Any:
        tap = self._taps[name]
        module = self._model.get_submodule(tap.path)
        if tap.at_input:
            return module.register_forward_pre_hook(_save_input(name, feats, versions))
        return module.register_forward_hook(_save_output(name, tap, feats, versions))


def _save_input(name: str, feats: dict, versions: dict) -> Callable:
    def hook(module: nn.Module, args: tuple) -> tuple:
        if not args or not isinstance(args[0], Tensor):
            raise TapError(f"tap '{name}': the first argument of {type(module).__name__} is "
                               'no tensor; tap an output instead')
        feats[name] = args[0]
        _note_version(name, feats, versions)
        return args[0].clone(), *args[1:]
    return hook


def _save_output(name: str, tap: Tap, feats: dict, versions: dict) -> Callable:
    def hook(module: nn.Module, args: tuple, output: Any) -> None:
        try:
            feats[name] = reduce(getitem, tap.keys, output)
        except (IndexError, KeyError, TypeError) as error:
            keys = ''.join(f'[{key}]' for key in tap.keys)
            raise TapError(f"tap '{name}': the output of '{tap.path}' has no item "
                               f'{keys} ({type(output).__name__})') from error
        _note_version(name, feats, versions)
    return hook


def _note_version(name: str, feats: dict, versions: dict) -> None:
    # Tensors of inference mode have no version; nothing can be learned from them either.
    if isinstance(feats[name], Tensor) and not feats[name].is_inference():
        versions[name] = feats[name]._version
