"""Options that the commands of data sets have, and the end of a command."""

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mmfkd.datasets.lists import ListError
from mmfkd.datasets.preparation.splits import PrepareError


def whole_number(text: str) -> int:
    """``text`` as a number from 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text} is below 1')
    return int(text)


def list_parser(name: str, doc: str, root: str,
                skippable: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that the commands have in common.

    Args:
        name: of the command.
        doc: what it does.
        root: usual folder of the data set.
        skippable: the data set can leave samples out; else there is no ``--skip-broken``.
    """
    parser = argparse.ArgumentParser(
        f'mmfkd prepare {name}', description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=Path, default=Path(root),
                        help='The folder of the data set (default: %(default)s).')
    parser.add_argument('--workers', type=whole_number, default=os.cpu_count() or 1,
                        help='The number of processes (default: one for each core).')
    if skippable:
        parser.add_argument('--skip-broken', action='store_true',
                            help='Do not fail because of files that are missing or broken.')
    else:
        parser.set_defaults(skip_broken=None)
    return parser


def run_command(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Runs a command and returns its exit code; what the user can cure is said in a line."""
    try:
        if not args.root.is_dir():
            raise PrepareError(f'{args.root} does not exist: name the folder of the data set; '
                               '--help says what it holds')
        return command(args)
    except (PrepareError, ListError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
    except BrokenProcessPool:
        print('error: a process died, perhaps for want of memory; the same command with fewer '
              '--workers continues from here', file=sys.stderr)
    except KeyboardInterrupt:
        print('stopped; the same command continues from here', file=sys.stderr)
        return 130
    return 1
