"""Write a student as a plain mmseg or mmpretrain model, and compare both without mmfkd."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .options import add_config, config_argument


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser('mmfkd export', description=__doc__)
    add_config(parser, 'CONFIG_OR_WORK_DIR')
    parser.add_argument('checkpoint', metavar='CHECKPOINT',
                        help="A checkpoint file, or 'best' for the best one of the work dir.")
    parser.add_argument('-o', '--out', required=True, metavar='DIR',
                        help='The folder to write into.')
    parser.add_argument('--student', metavar='NAME',
                        help='The student to export (default: the first).')
    parser.add_argument('--modality', metavar='NAME',
                        help='The modality to export of a multi-modal student.')
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'),
                        help='The input size that is compared first (default: what the test '
                             'pipeline makes).')
    parser.add_argument('--format', nargs='+', choices=['onnx'], default=[], metavar='NAME',
                        help="'onnx' writes model.onnx too.")
    parser.add_argument('--data-license', default='', metavar='TEXT',
                        help='The licence of the training data, for the model card.')
    args = parser.parse_intermixed_args(argv)
    if args.size and min(args.size) < 1:
        parser.error(f'--size {args.size[0]} {args.size[1]}: give pixels from 1')
    if Path(args.out).exists() and not Path(args.out).is_dir():
        parser.error(f'-o {args.out} is a file: name a folder')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)

    from mmfkd.export.student import export_student, verify_export

    try:
        files = export_student(config_argument(args), args.checkpoint, args.out,
                               tuple(args.size) if args.size else None, args.student,
                               args.modality, args.format, args.data_license)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'export failed: {error}')
    print('\n'.join(f'{path}' for path in files.values()), flush=True)
    if not verify_export(args.out):
        sys.exit(f'{args.out} is not equal to the student: do not use it')


if __name__ == '__main__':
    main()
