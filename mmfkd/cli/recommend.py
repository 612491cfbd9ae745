"""Say which methods are worth a run on a pair, from its teacher and its student's baseline alone.

Both are trained first if they are not. Nothing is looked at on the test set.

Examples::

    mmfkd recommend avdigits_visual2audio
    mmfkd recommend mars_aux2gray --run 6 --seeds 0 1 2
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from rich.console import Console

from mmfkd.advice import Findings, look, sentences, suggestions
from mmfkd.benchmark import Cell, plan, read_result, train_missing
from mmfkd.benchmark.grid import BASELINE, baselines
from mmfkd.benchmark.selection import refuse_lower_is_better
from mmfkd.cli import benchmark
from mmfkd.cli.distinct import Distinct
from mmfkd.cli.options import add_workers, chosen_workers, spelled_workers
from mmfkd.cli.stops import resumable
from mmfkd.config import Pair
from mmfkd.visualization.tables import whole_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd recommend', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pair', metavar='DATASET_A2B', help='A teaches B on this data set.')
    parser.add_argument('--seed', type=int, default=0,
                        help='The seed of the two networks that are looked at (default: 0).')
    parser.add_argument('--run', type=int, default=0, metavar='TRAININGS',
                        help='Train the suggested methods too, the first ones first, with at most '
                             'so many trainings of methods; those of teachers and baselines '
                             'that --seeds needs come on top.')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], action=Distinct,
                        help='The seeds of these trainings (default: 0 1 2).')
    parser.add_argument('--root', type=Path, default=Path('work_dirs/benchmark'),
                        help='The folder of all runs, as of mmfkd benchmark (default: '
                             'work_dirs/benchmark).')
    add_workers(parser)
    return parser.parse_args(argv)


def find(args: argparse.Namespace) -> Findings:
    """Trains what is missing, and measures the pair.

    Raises:
        ValueError: there is no such pair, of the metric that selects less is better, or a training
            failed.
    """
    workers = chosen_workers(args)
    refuse_lower_is_better(plan([args.pair], [], [args.seed], args.root), workers.options)
    student, teacher = (Cell(BASELINE, leaf, args.seed, args.root)
                        for leaf in baselines(args.pair))
    train_missing((teacher, student), workers, 'networks')
    scores = []
    for cell in (teacher, student):
        result = read_result(cell)
        if result is None or result.val is None:
            raise ValueError(f'{cell.work_dir} has no score on validation, by which a pair is '
                             'judged: give its config a val_dataloader')
        scores.append(result.val)
    init_default_scope('mmfkd')
    # Each method loads the teacher again, and would say so.
    MMLogger.get_current_instance().setLevel('WARNING')
    return look(Pair.parse(args.pair), teacher.work_dir, student.work_dir,
                (scores[0], scores[1]), args.cfg_options)


def report(found: Findings) -> None:
    """Prints the findings and what they mean."""
    console = Console()
    shares = whole_table('method', 'loss', "gradient, relative to the task's")
    for share in found.shares:
        shares.add_row(share.method, share.loss, f'{share.ratio:.3g}')
    console.print(shares)
    similar = whole_table('tap', 'CKA', 'low band', 'high band')
    for tap, values in found.cka.items():
        similar.add_row(tap, *(f'{values[band]:.2f}' for band in ('raw', 'low', 'high')))
    console.print(similar)
    for line in sentences(found):
        console.print(f'- {line}', markup=False, soft_wrap=True)
    console.print('\nWorth a run:')
    for number, suggestion in enumerate(suggestions(found), 1):
        console.print(f'{number}. {suggestion.method}: {suggestion.why}', markup=False,
                      soft_wrap=True)


def run(args: argparse.Namespace, found: Findings) -> None:
    """Trains the suggested methods that the budget has room for, and reports them as a table."""
    chosen = [suggestion.method for suggestion in suggestions(found)]
    chosen = chosen[:args.run // len(args.seeds)]
    if not chosen:
        sys.exit(f'--run {args.run} is less than one method with the {len(args.seeds)} seeds '
                 f'{" ".join(map(str, args.seeds))}: give {len(args.seeds)} or more')
    benchmark.main(['--pairs', args.pair, '--methods', 'unimodal', *chosen, '--seeds',
                    *map(str, args.seeds), '--root', str(args.root), *spelled_workers(args)])


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    with resumable():
        found = find(args)
    report(found)
    if args.run:
        run(args, found)


if __name__ == '__main__':
    main()
