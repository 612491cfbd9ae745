"""List the places of a config's students and teachers that can be tapped.

Nothing is loaded: neither data nor checkpoints are needed.

Example::

    mmfkd analyze taps configs/fdkd/nyuv2_depth2rgb.py --filter layer4
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import torch
from rich.console import Console

from mmfkd.analysis import Place, branch_arguments, list_places, random_batch
from mmfkd.config import load_distiller_config, without_init
from mmfkd.models import Branch
from mmfkd.visualization.tables import whole_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze taps', description=__doc__.splitlines()[0])
    parser.add_argument('config', help='The config, such as configs/fdkd/synthetic_depth2rgb.py.')
    parser.add_argument('--size', nargs=2, type=int, default=(64, 64), metavar=('H', 'W'),
                        help='The size of the random input in pixels (default: 64 64).')
    parser.add_argument('--filter', default='', metavar='TEXT',
                        help='List only the places whose path (the column "place", such as '
                             'backbone.layer4.1.relu@in) contains this text.')
    return parser.parse_args(argv)


def places_of(spec: Mapping, mode: str, size: Sequence[int]) -> tuple[list[Place], dict[str, str]]:
    """Places of one branch, and the config's taps in it.

    Args:
        spec: entry of ``students`` or ``teachers``.
        mode: 'loss' or 'tensor'.
        size: height and width of the input.
    """
    arguments = branch_arguments(spec)
    # Without its taps: a wrong one would stop the command that shows the right ones.
    branch = Branch(without_init(arguments['model']), arguments['modality'], arguments['norm'])
    batch = random_batch([branch], size, batch=2)
    inputs = {name: torch.stack(images) for name, images in batch['inputs'].items()}
    return list_places(branch, inputs, batch['data_samples'], mode), arguments['taps'] or {}


def print_places(console: Console, title: str, places: list[Place], taps: Mapping[str, str],
                 text: str) -> None:
    """Prints the places that contain ``text``, and the taps that are none of the places."""
    taps = {name: spec.partition(':')[0] for name, spec in taps.items()}
    table = whole_table('place', 'module', 'kind', 'channels', 'stride', 'layout', 'tap', '',
                        title=title)
    matching = [place for place in places if text in place.spec]
    if not matching:
        console.print(f"{title}: no path contains '{text}'. Paths begin with "
                      f"{', '.join(dict.fromkeys(p.spec.split('.')[0] for p in places))}")
    for place in matching:
        names = [name for name, spec in taps.items() if spec == place.spec]
        table.add_row(place.spec, place.module, place.kind, channels(place), stride(place),
                      place.layout or '', ', '.join(names),
                      'overwritten in place' if place.overwritten else '',
                      style='bold' if names else None)
    if matching:
        console.print(table)
    specs = [place.spec for place in places]
    for name, spec in taps.items():
        if spec.removesuffix('@in') in specs and spec not in specs:
            console.print(f"tap '{name}': '{spec}' is what that module is given, unchanged by it")
        elif spec not in specs:
            close = ', '.join(get_close_matches(spec, specs, n=3, cutoff=0.4)) or 'none'
            console.print(f"tap '{name}': '{spec}' is no such place. Close: {close}")


def channels(place: Place) -> str:
    """The channels of a map or a vector, or the shape of another tensor without the batch."""
    if len(place.shape) in (2, 4):
        return str(place.shape[1])
    return ' x '.join(map(str, place.shape[1:]))


def stride(place: Place) -> str:
    """One number where both directions agree."""
    numbers = [f'{number:g}' for number in place.stride or ()]
    return ' x '.join(dict.fromkeys(numbers))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    # A pipe has no width of its own, and rich's guess of 80 would break the paths.
    width = None if sys.stdout.isatty() else 160
    console = Console(width=width, markup=False, highlight=False)
    try:
        model = load_distiller_config(args.config).model
        for kind, mode in (('students', 'loss'), ('teachers', 'tensor')):
            for name, spec in (model.get(kind) or {}).items():
                title = f"{kind}.{name}: mode '{mode}', input {args.size[0]} x {args.size[1]}"
                print_places(console, title, *places_of(spec, mode, args.size), args.filter)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    print("'overwritten in place': a tap there gets what a later operation makes of the tensor; "
          "tap 'path@in' of the module that follows.")


if __name__ == '__main__':
    main()
