r"""Write the fused images of a data set, for a segmentor that is trained on them.

The images of ``train/vi`` and ``train/ir`` are fused into ``train/fused_rgb-ir``, those of
``visible/train`` and ``infrared/train`` into ``fused_rgb-ir/train``. Those that are there already,
of the same weights and config, are kept, so that a run that was stopped goes on.

Examples::

    mmfkd fuse work_dirs/cddfuse/msrs_rgb-ir
    mmfkd fuse work_dirs/cddfuse/msrs_rgb-ir --splits test -o fused
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd fuse', description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', metavar='WORK_DIR_OR_CONFIG',
                        help='The folder of a run of a fusion network, or its config.')
    parser.add_argument('--checkpoint', default='best',
                        help="A checkpoint file, or 'best' for that of the work dir (default: "
                             'best).')
    parser.add_argument('--splits', nargs='+', default=['train', 'val', 'test'],
                        choices=['train', 'val', 'test'], metavar='SPLIT',
                        help='The splits to fuse (default: train val test).')
    parser.add_argument('-o', '--out', type=Path, metavar='DIR',
                        help='The folder to write into, with the subfolders of the data set '
                             '(default: that of the data set).')
    parser.add_argument('--device', help='Such as cpu or cuda:0 (default: the GPU if there is '
                                         'one).')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)

    from rich.progress import track

    from mmfkd.inference import Predictor
    from mmfkd.inference.fusing import fuse, is_made, mark_of, pairs_of
    from mmfkd.models import CDDFuse

    try:
        predict = Predictor(args.model, args.checkpoint, device=args.device)
        if not isinstance(predict.model.student.model, CDDFuse):
            sys.exit(f'{args.model} is a {type(predict.model.student.model).__name__}, which fuses '
                     'no images: name a run of cddfuse/DATASET_A-B')
        mark = mark_of(predict.opened)
        for split in args.splits:
            pairs = pairs_of(predict.opened.config, split, predict.modalities, args.out)
            left = [pair for pair in pairs if not is_made(*pair, mark)]
            for _ in track(fuse(predict, left, mark), f'fuse {split}', total=len(left)):
                pass
            print(f'{split}: {len(left)} fused, {len(pairs) - len(left)} were there: '
                  f'{pairs[0][1].parent}')
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
