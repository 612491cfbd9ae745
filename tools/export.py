"""Exports a student as a plain mmseg or mmpretrain model, and compares both without mmfkd."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', metavar='CONFIG_OR_WORK_DIR',
                        help='a config file, or the work dir of a run')
    parser.add_argument('checkpoint', metavar='CHECKPOINT',
                        help="a file, or 'best' for the best one of the work dir")
    parser.add_argument('-o', '--out', required=True, metavar='DIR', help='folder to write into')
    parser.add_argument('--student', metavar='NAME', help='default: the first student')
    parser.add_argument('--modality', metavar='NAME',
                        help='the one to export of a multi-modal student')
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'),
                        help='input of program.pt2; default: what the test pipeline makes')
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()

    from mmfkd.apis.export import export_student, verify_export
    try:
        files = export_student(args.config, args.checkpoint, args.out,
                               tuple(args.size) if args.size else None, args.student,
                               args.modality)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'export failed: {error}')
    print('\n'.join(f'{path}' for path in files.values()), flush=True)
    if not verify_export(args.out):
        sys.exit(f'{args.out} is not equal to the student: do not use it')


if __name__ == '__main__':
    main()
