r"""Draw test samples as rows: each modality, truth, baselines, student (CSK-Net, Figures 3-6).

Example::

    mmfkd analyze panels configs/csknet/msrs_rgb-ir.py best -o panels.png \
        --baseline configs/unimodal/msrs_ir.py best --available ir rgb,ir --samples 4
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmfkd.cli.options import add_config_options
from mmfkd.config import config_name, load_distiller_config
from mmfkd.inference.loading import load_student
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import DATASETS
from mmfkd.visualization.panels import caption_of, draw_panels, panel


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd analyze panels', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='The config of the student, whose test set is drawn.')
    parser.add_argument('checkpoint', help="A checkpoint file, or 'best' for the selected one.")
    parser.add_argument('--baseline', nargs=2, action='append', default=[],
                        metavar=('CONFIG', 'CHECKPOINT'),
                        help='Draw a baseline too; may be repeated.')
    parser.add_argument('--available', nargs='+', metavar='A,B',
                        help='The sets of modalities that a multi-modal student is given, a '
                             'column each (default: all).')
    parser.add_argument('--samples', type=int, default=4,
                        help='The number of samples, evenly spread over the set (default: 4).')
    add_config_options(parser)
    parser.add_argument('-o', '--out', type=Path, required=True,
                        help='The picture to write: .png, .svg or .pdf.')
    return parser.parse_args(argv)


def load(config: str, checkpoint: str, options: dict, available: list[str] | None = None
         ) -> CrossModalDistiller:
    """The student of a config, on a choice of its modalities."""
    cfg = load_distiller_config(config, options, teachers=False)
    if available:
        next(iter(cfg.model.students.values())).available = available
    return load_student(cfg, checkpoint)


def columns(args: argparse.Namespace) -> dict[str, CrossModalDistiller]:
    """Title of each column to the model that predicts it."""
    models = {config_name(config): load(config, checkpoint, {})
              for config, checkpoint in args.baseline}
    name = config_name(args.config).split('/')[0]
    for names in args.available or [None]:
        title = f'{name}: {names.replace(",", "+")}' if names else name
        models[title] = load(args.config, args.checkpoint, args.cfg_options,
                             names.split(',') if names else None)
    return models


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    try:
        models = columns(args)
        cfg = load_distiller_config(args.config, args.cfg_options, teachers=False)
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        if 'palette' not in dataset.metainfo:
            raise ValueError(f'{args.config} predicts classes of whole samples, and panels show '
                             'masks: mmfkd demo shows samples with their scores, mmfkd predict '
                             'writes them into a table')
        count = min(max(args.samples, 1), len(dataset))
        indices = np.linspace(0, len(dataset) - 1, count).round().astype(int)
        rows = [panel(dataset, int(index), models) for index in indices]
    except (FileNotFoundError, KeyError, ValueError) as error:
        sys.exit(str(error))
    figure = draw_panels(rows, dataset.metainfo, caption_of(indices))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, dpi=110)
    print(args.out)


if __name__ == '__main__':
    main()
