r"""Predict files without labels: masks of images, or classes of images, sounds, clips and texts.

Each modality of the network is an option of its own, and takes a file or a folder; a file of texts
has one in each line. Folders of several modalities are paired by the names of their files.

Examples::

    mmfkd predict work_dirs/recommended/mars_aux2gray --gray images -o predicted
    mmfkd predict work_dirs/csknet/streets_rgb-ir --rgb day --ir night -o predicted
    mmfkd predict work_dirs/csknet/streets_rgb-ir --ir night -o predicted
    mmfkd predict work_dirs/kd/avdigits_visual2audio --audio recordings -o predicted
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; ``inputs`` is modality to path."""
    parser = argparse.ArgumentParser('mmfkd predict', description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', metavar='WORK_DIR_CONFIG_OR_EXPORT',
                        help='The folder of a run or of an export, or a config.')
    parser.add_argument('--MODALITY', dest='_', metavar='PATH',
                        help='A file or a folder of this modality, such as --rgb DIR --ir DIR.')
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='DIR',
                        help='The folder to write into.')
    parser.add_argument('--checkpoint', default='best',
                        help="A checkpoint file, or 'best' for the selected one of the work dir "
                             '(default: best).')
    parser.add_argument('--branch', metavar='NAME',
                        help="The student or teacher to predict with, such as 'teacher' "
                             '(default: the first student).')
    parser.add_argument('--available', nargs='+', metavar='NAME',
                        help='The modalities that a network of several is given (default: those '
                             'that are named).')
    parser.add_argument('--batch-size', type=int, metavar='N',
                        help='The number of samples at a time (default: that of the test set).')
    parser.add_argument('--device', help='Such as cpu or cuda:0 (default: the GPU if there is '
                                         'one).')
    parser.add_argument('--skip-unreadable', action='store_true',
                        help='Leave out files that cannot be read, and say which.')
    words = sys.argv[1:] if argv is None else list(argv)
    if words and words[0].startswith('-') and words[0] not in ('-h', '--help'):
        parser.error('name the work dir, config or export first, then the options')
    args, rest = parser.parse_known_args(words)
    args.inputs = paths_of(parser, rest)
    if args.out.exists() and not args.out.is_dir():
        parser.error(f'-o {args.out} is a file: name a folder')
    for name, path in args.inputs.items():
        if path.is_dir() and args.out.resolve().is_relative_to(path.resolve()):
            parser.error(f'--out {args.out} lies in the folder of --{name}, where its masks would '
                         'be predicted the next time: choose a folder outside')
    return args


def paths_of(parser: argparse.ArgumentParser, rest: Sequence[str]) -> dict[str, Path]:
    """Modality to path, of ``--NAME PATH`` or ``--NAME=PATH``.

    Raises:
        SystemExit: something else is left, or nothing.
    """
    words = [part for word in rest for part in
             (word.split('=', 1) if word.startswith('--') else [word])]
    names, paths = words[::2], words[1::2]
    wrong = [name for name in names if not name.startswith('--')]
    if wrong or len(names) != len(paths) or len(set(names)) < len(names):
        parser.error(f'{" ".join(rest)}: give each modality once, as --NAME PATH')
    if not names:
        parser.error('name what is to be predicted: --NAME PATH, with the name of a modality')
    return {name.removeprefix('--'): Path(path) for name, path in zip(names, paths, strict=True)}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)

    from mmfkd.inference import Predictor
    from mmfkd.inference.files import unlisted, write

    skipped: list[str] = []

    def skip(name: str, error: Exception) -> None:
        skipped.append(name)
        print(f'skipped {name}: {error}', file=sys.stderr)

    try:
        predict = Predictor(args.model, args.checkpoint, args.available, args.device, args.branch,
                            show_progress=sys.stderr.isatty())
        found = predict.stream(args.inputs, args.batch_size,
                               skip=skip if args.skip_unreadable else None)
        count = write(found, args.out, predict.classes, predict.palette)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    print(f'{count} predicted{f", {len(skipped)} skipped" if skipped else ""}: {args.out}')
    left = unlisted(args.out)
    if left:
        print(f'{args.out / "masks"} holds {left} more of an earlier prediction, which '
              'predictions.csv does not list: remove that folder, or name another with -o, where '
              'they are not wanted')


if __name__ == '__main__':
    main()
