"""Search the weights of a method on validation. Finished trials are kept.

Examples::

    mmfkd tune avdigits_visual2audio kd --trials 12 --jobs 2
    mmfkd tune avdigits_visual2audio unimodal --trials 12
    mmfkd tune mars_aux2gray recommended --trials 20 --storage sqlite:///tune.db
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmfkd.benchmark import plan, train_missing
from mmfkd.benchmark.grid import UNIMODAL, Cell, Row
from mmfkd.benchmark.selection import refuse_lower_is_better
from mmfkd.cli.distinct import Distinct
from mmfkd.cli.options import add_workers, chosen_workers
from mmfkd.cli.stops import resumable
from mmfkd.config import write_baseline, write_leaf
from mmfkd.tuning import Search, Tuned, space_of
from mmfkd.visualization.tables import whole_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd tune', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pair', metavar='DATASET_A2B', help='A teaches B on this data set.')
    parser.add_argument('method', metavar='METHOD',
                        help="The method, or 'unimodal' for the learning rate of the student's "
                             'baseline.')
    parser.add_argument('--trials', type=int, default=12,
                        help='The number of trials, those that are there included (default: 12).')
    parser.add_argument('--seeds', nargs='+', type=int, default=[1000], action=Distinct,
                        help='The seeds of each trial, which are averaged (default: 1000, which no '
                             'table has).')
    parser.add_argument('--storage', metavar='URL',
                        help='The database of the trials, such as sqlite:///tune.db (default: the '
                             'journal <root>/tuning.log, which several machines can share).')
    parser.add_argument('--root', type=Path, default=Path('work_dirs/tune'),
                        help='The folder of all runs (default: work_dirs/tune).')
    parser.add_argument('-o', '--out', type=Path,
                        help='The config to write (default: <root>/<method>_<pair>.py, which a '
                             'later search writes anew).')
    add_workers(parser)
    args = parser.parse_args(argv)
    if args.out and (args.out.suffix != '.py' or args.out.exists()):
        parser.error(f'-o {args.out}: name a file that ends in .py and is not there yet')
    return args


def teachers(args: argparse.Namespace) -> list[Cell]:
    """The networks whose weights the trials start from, of all seeds."""
    if args.method == UNIMODAL:
        return []
    row = Row(args.method, args.method)
    return [needed for seed in args.seeds
            for needed in Cell(row, args.pair, seed, args.root).teachers()]


def search(args: argparse.Namespace) -> Tuned:
    """Trains the teachers and the trials that are left.

    Raises:
        ValueError: what is asked for does not exist, or a training of a teacher failed.
    """
    workers = chosen_workers(args)
    if args.trials < 1:
        raise ValueError(f'--trials {args.trials}: take 1 or more')
    method = None if args.method == UNIMODAL else args.method
    space_of(method)
    cells = plan([args.pair], [Row(args.method, args.method)], args.seeds, args.root)
    refuse_lower_is_better(cells, workers.options)
    train_missing(teachers(args), workers, 'teachers')
    return Search(args.pair, method, args.seeds, args.root, args.storage, workers,
                  lambda line: print(line, flush=True)).run(args.trials)


def report(tuned: Tuned, path: Path, command: str) -> Table:
    """The table of what was found, which is also written beside the config as Markdown."""
    rows = [(key, f'{value:.4g}' if isinstance(value, float) else str(value),
             f'{tuned.importance[key]:.0%}' if key in tuned.importance else '')
            for key, value in tuned.values.items()]
    title = (f'best validation {tuned.score:.2f} of {tuned.finished} trials, of which '
             f'{tuned.pruned} were cut short')
    lines = [f'# Tuning\n\n```bash\n{command}\n```\n\n{title}.\n', '| value | best | importance |',
             '|---|---|---|', *(f'| {" | ".join(row)} |' for row in rows)]
    path.with_suffix('.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    table = whole_table('value', 'best', 'importance', title=title)
    for row in rows:
        table.add_row(*row)
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    path = args.out or args.root / f'{args.method}_{args.pair}.py'
    with resumable():
        tuned = search(args)
    if not args.out:
        path.unlink(missing_ok=True)
    # As the trials were trained.
    options = {**args.cfg_options, **tuned.options}
    if args.method == UNIMODAL:
        write_baseline(args.pair, path, options)
    else:
        write_leaf(args.pair, args.method, path, options)
    Console().print(report(tuned, path, shlex.join(['mmfkd', 'tune', *(
        sys.argv[2:] if argv is None else argv)])))
    print(f'train it with: mmfkd train {path}{" --amp" if args.amp else ""}')


if __name__ == '__main__':
    main()
