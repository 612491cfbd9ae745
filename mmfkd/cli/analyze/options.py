"""Options of the commands that look at the features of a trained distiller."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from matplotlib.figure import Figure
from mmengine.config import Config
from torch import Tensor
from torch.utils.data import DataLoader

from mmfkd.analysis.features import feature_batches, spread_loader
from mmfkd.cli.options import add_config_options
from mmfkd.config import TapKey, branch_config, load_distiller_config
from mmfkd.inference.loading import load_distiller
from mmfkd.models import CrossModalDistiller

One = TypeVar('One')
All = TypeVar('All')


def add_source(parser: argparse.ArgumentParser) -> None:
    """Adds the config and the checkpoint."""
    parser.add_argument('config',
                        help='The config of the student; its teachers and data are taken too.')
    parser.add_argument('checkpoint',
                        help="The student's checkpoint: a file, a work dir, or 'best' for the "
                             'selected one.')


def add_taps(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of taps, for :func:`chosen_taps`."""
    parser.add_argument('--taps', nargs='+', metavar='BRANCH.TAP',
                        help="The taps to look at, or 'all' (default: 'feat' of every branch).")


def add_pixels(parser: argparse.ArgumentParser, default: int) -> None:
    """Adds the options on pixels that are drawn from feature maps."""
    parser.add_argument('--pixels', type=int, default=default,
                        help=f'The number of pixels of an image whose vectors are taken '
                             f'(default: {default}).')
    parser.add_argument('--seed', type=int, default=0, help='The seed of the draw (default: 0).')


def add_data(parser: argparse.ArgumentParser) -> None:
    """Adds the options on data, config and output."""
    parser.add_argument('--split', choices=['val', 'test'], default='test',
                        help='The split to run (default: test).')
    parser.add_argument('--limit', type=int,
                        help='The number of samples, evenly spread (default: the whole split).')
    add_config_options(parser)
    add_out(parser)


def add_out(parser: argparse.ArgumentParser) -> None:
    """Adds the output."""
    parser.add_argument('-o', '--out', type=picture_path, required=True, metavar='FILE.png',
                        help='The picture to write; its numbers go into a .json beside it.')


def picture_path(text: str) -> Path:
    """A path that matplotlib can write a picture to.

    Raises:
        argparse.ArgumentTypeError: it has another suffix.
    """
    path = Path(text)
    if path.suffix not in ('.png', '.pdf', '.svg'):
        raise argparse.ArgumentTypeError(f'{text} must end in .png, .pdf or .svg')
    return path


def chosen_taps(cfg: Config, wanted: Sequence[str] | None) -> list[str]:
    """Keys of ``--taps``: 'feat' of every branch by default, everything for 'all'.

    Raises:
        ValueError: no branch has a tap 'feat'.
    """
    branches = {**cfg.model.students, **(cfg.model.get('teachers') or {})}
    known = [f'{name}.{tap}' for name, spec in branches.items()
             for tap in branch_config(spec).get('taps') or {}]
    if wanted is None:
        wanted = [key for key in known if key.endswith('.feat')]
    elif list(wanted) == ['all']:
        wanted = known
    if not wanted:
        raise ValueError(f"{cfg.filename}: name --taps; there are {', '.join(known) or 'none'}")
    return list(wanted)


def modality_of(model: CrossModalDistiller, key: str) -> str:
    """Modality of the branch that ``branch.tap`` belongs to; several joined with +."""
    return '+'.join(model.branches[TapKey.parse(key).branch].modalities)


def split_loader(cfg: Config, split: str, limit: int | None = None) -> DataLoader:
    """The data loader of a split, or of so many samples that are evenly spread over it.

    Raises:
        ValueError: the config has none.
    """
    if not cfg.get(f'{split}_dataloader'):
        raise ValueError(f'{cfg.filename} has no {split}_dataloader: choose another --split')
    return spread_loader(cfg[f'{split}_dataloader'], limit)


def measure_taps(args: argparse.Namespace, one: Callable[[str, Tensor], One],
                 together: Callable[[list[One]], All]
                 ) -> tuple[dict[str, tuple[str, All]], str]:
    """A measure of each tap that ``--taps`` names, over the batches of a split.

    Args:
        args: of :func:`add_source`, :func:`add_taps` and :func:`add_data`.
        one: tap and feature of a batch to its measure.
        together: the measures of all batches to that of the split.

    Returns:
        tap to modality and measure, and the checkpoint's path.

    Raises:
        FileNotFoundError, ValueError: what is named is not there, or ``one`` refuses a feature.
    """
    cfg = load_distiller_config(args.config, args.cfg_options)
    keys = chosen_taps(cfg, args.taps)
    model, path = load_distiller(cfg, args.checkpoint, keys)
    loader = split_loader(cfg, args.split, args.limit)
    if args.taps == ['all']:
        keys = measurable(model, loader, keys, one)
    measures: dict[str, list[One]] = {key: [] for key in keys}
    for feats, _ in feature_batches(model, loader, keys, args.limit):
        for key, feat in feats.items():
            measures[key].append(one(key, feat))
    return {key: (modality_of(model, key), together(measures[key])) for key in keys}, str(path)


def measurable(model: CrossModalDistiller, loader: DataLoader, keys: Sequence[str],
               one: Callable[[str, Tensor], object]) -> list[str]:
    """Those taps that a prediction fills and that a measure takes; prints why others are left out.

    Args:
        model: of the taps.
        loader: of the split, whose first batch decides.
        keys: ``branch.tap``.
        one: tap and feature to the measure.

    Raises:
        ValueError: none is left.
    """
    first, kept = [next(iter(loader))], []
    for key in keys:
        try:
            for feats, _ in feature_batches(model, first, [key]):
                one(key, feats[key])
        except ValueError as error:
            print(f'{key} is left out: {error}')
        else:
            kept.append(key)
    if not kept:
        raise ValueError('no tap is left: see above')
    return kept


def write_result(out: Path, figure: Figure, result: dict) -> None:
    """Writes the picture and, beside it, its numbers; prints both paths."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=130)
    numbers = out.with_suffix('.json')
    numbers.write_text(json.dumps(result, indent=2) + '\n')
    print(out, numbers, sep='\n')
