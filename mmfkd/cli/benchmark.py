"""Train and report a table of pairs, methods and seeds. Finished trainings are kept.

Examples::

    mmfkd benchmark --pairs avdigits_visual2audio avdigits_audio2visual --seeds 0 1 2
    mmfkd benchmark --table 1 --seeds 0 1 2 --gpus 0 1 2 3
    mmfkd benchmark --figure 5 --pairs avdigits_visual2audio --jobs 2 --amp
    mmfkd benchmark --table csknet-3 --seeds 0 1 2
    mmfkd benchmark --networks ombria96_optical-sar --methods csknet mmanet
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from mmfkd.benchmark import Row, Workers, plan, preset, train_missing
from mmfkd.benchmark.cluster import submit
from mmfkd.benchmark.jobs import Training
from mmfkd.benchmark.network_report import NetworkReport
from mmfkd.benchmark.networks import COMPARED, TABLES, NetworkCell, NetworkPair, network_rows
from mmfkd.benchmark.presets import PAPER_METHODS, label_rows, method_rows
from mmfkd.benchmark.progress import train_all
from mmfkd.benchmark.report import Report
from mmfkd.benchmark.selection import refuse_lower_is_better
from mmfkd.benchmark.settings import check_settings
from mmfkd.benchmark.tables import table
from mmfkd.cli.distinct import Distinct
from mmfkd.cli.options import add_workers, chosen_workers
from mmfkd.cli.stops import resumable
from mmfkd.config import parse_value
from mmfkd.tuning import tuned_rows

NETWORK_TABLES = tuple(f'csknet-{number}' for number in TABLES)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd benchmark', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--table', choices=('1', '2', '3', '4', *NETWORK_TABLES),
                       help="Take rows and pairs of one of FDKD's tables, or of CSK-Net's.")
    which.add_argument('--networks', nargs='+', action=Distinct, metavar='DATASET_OPTICAL-INFRARED',
                       help="Take the rows of CSK-Net's tables on these data sets.")
    which.add_argument('--figure', type=int, choices=(5,),
                       help='Take the grid of λ1 and λ2 of this figure.')
    parser.add_argument('--pairs', nargs='+', action=Distinct, metavar='DATASET_A2B',
                        help="Take these pairs in place of the paper's; A teaches B.")
    parser.add_argument('--methods', nargs='+', action=Distinct, metavar='METHOD',
                        help="Take these methods, or 'unimodal' (default: those of Tables 1 "
                             'and 2).')
    parser.add_argument('--labels', nargs='+', action=Distinct, type=float, metavar='SHARE',
                        help='Train every row with these shares of the labels of train, such as '
                             '0 0.1 1.')
    parser.add_argument('--seeds', nargs='+', action=Distinct, type=int, default=[0, 1, 2],
                        help='The seeds of the runs (default: 0 1 2).')
    parser.add_argument('--tuned', type=int, metavar='TRIALS',
                        help='Search the values of every row, and the learning rate of the '
                             'baseline, with this many trials on validation first.')
    parser.add_argument('--tuning-seeds', nargs='+', action=Distinct, type=int, default=[1000],
                        help='The seeds of these trials (default: 1000).')
    parser.add_argument('--slurm', nargs='*', metavar='KEY=VALUE',
                        help='Submit the trainings that are left as jobs of Slurm, --jobs at a '
                             'time, and end. KEY is a parameter of submitit, such as '
                             'timeout_min=600 gpus_per_node=1 slurm_partition=gpu.')
    parser.add_argument('--collect', action='store_true',
                        help='Train nothing, but report the trainings that are finished.')
    parser.add_argument('--root', type=Path, default=Path('work_dirs/benchmark'),
                        help='The folder of all runs (default: work_dirs/benchmark).')
    parser.add_argument('-o', '--out', type=Path,
                        help='The folder of table.csv, .md and .html (default: <root>/report).')
    add_workers(parser)
    return parser.parse_args(argv)


def preset_title(args: argparse.Namespace) -> str:
    """``Table 1`` to ``Table 4``, ``Figure 5``, or nothing."""
    if args.table:
        return f'Table {args.table}'
    return f'Figure {args.figure}' if args.figure else ''


def grid(args: argparse.Namespace) -> tuple[list[Row], tuple[str, ...]]:
    """Rows and pairs that are asked for.

    Raises:
        ValueError: pairs are missing, a preset is to have other methods than its own, or a share
            of labels is none.
    """
    name = preset_title(args).lower().replace(' ', '')
    if not name:
        if not args.pairs:
            raise ValueError('name --pairs, or a preset with --table or --figure')
        return labelled(method_rows(args.methods or PAPER_METHODS), args), tuple(args.pairs)
    rows, pairs = preset(name)
    if args.methods:
        if name not in ('table1', 'table2'):
            raise ValueError(f'--methods does not go with {name}, whose rows are variants of FDKD')
        rows = method_rows(args.methods)
    return labelled(rows, args), tuple(args.pairs or pairs)


def labelled(rows: list[Row], args: argparse.Namespace) -> list[Row]:
    """The rows at the shares of labels that are asked for.

    Raises:
        ValueError: a share outside of 0 to 1.
    """
    wrong = [share for share in args.labels or () if not 0 <= share <= 1]
    if wrong:
        raise ValueError(f'--labels {wrong[0]:g}: a share is from 0 to 1')
    return label_rows(rows, args.labels) if args.labels else rows


def search(rows: list[Row], pairs: Sequence[str], workers: Workers,
           args: argparse.Namespace) -> list[Row]:
    """The rows with the values that are best on validation; teachers of the trials come first.

    Raises:
        ValueError: seeds that the table has too, shares of labels, or a training that failed.
    """
    if args.labels:
        raise ValueError('--tuned with --labels: give one share at a time, in its own --root, by '
                         '--cfg-options train_dataloader.dataset.labels=0.1')
    shared = set(args.seeds) & set(args.tuning_seeds)
    if shared or args.tuned < 1:
        raise ValueError(f'--tuned {args.tuned} with --tuning-seeds {sorted(args.tuning_seeds)}: '
                         'take 1 trial or more, and seeds that --seeds does not have')
    train_missing(plan(pairs, [], args.tuning_seeds, args.root), workers, 'teachers')
    return tuned_rows(rows, pairs, args.tuned, args.tuning_seeds, args.root, workers,
                      lambda line: print(line, flush=True))


def submit_all(cells: Sequence[Training], workers: Workers, args: argparse.Namespace) -> None:
    """Submits what is left to Slurm, and says what to do when it has ended.

    Raises:
        ValueError: a parameter is none of submitit, or there is no Slurm here.
    """
    wrong = [text for text in args.slurm if '=' not in text]
    if wrong:
        raise ValueError(f'--slurm {wrong[0]}: write KEY=VALUE, such as timeout_min=600')
    parameters = {key: parse_value(value)
                  for key, value in (text.split('=', 1) for text in args.slurm)}
    jobs = submit(cells, args.root / 'slurm', workers, parameters)
    print(f'{len(jobs)} jobs: {", ".join(job.job_id for job in jobs)}\n'
          f'their logs: {args.root / "slurm"}\n'
          'when they have ended, the same command with --collect in place of --slurm reports them')


def print_tables(report: Report) -> None:
    """The report on the terminal."""
    for pair, rows in report.scores.items():
        header, lines = table(pair, rows)
        print(f'\n{report.heading(pair)}')
        rows_shown = [line[:6] for line in (header, *lines)]
        widths = [max(map(len, column)) for column in zip(*rows_shown, strict=True)]
        for line in rows_shown:
            print('  '.join(text.ljust(width) for text, width in zip(line, widths, strict=True)))


def network_tables(args: argparse.Namespace, command: str) -> None:
    """Trains and reports tables of networks of two modalities, or submits their trainings.

    Raises:
        SystemExit: a pair or row that is not there, an option of the other tables, or a failure.
    """
    name, rows = (TABLES[int(args.table[-1])] if args.table else ('', COMPARED))
    failed, tables = 0, []
    with resumable():
        if args.pairs or args.labels or args.tuned is not None:
            raise ValueError('--pairs, --labels and --tuned are for methods on a pair, not for '
                             'networks of two modalities')
        workers = chosen_workers(args)
        for pair in [NetworkPair.parse(one) for one in args.networks or [name]]:
            kept, lacking = network_rows(pair, args.methods or rows)
            if lacking:
                print(f'{pair.name} has no config for {"; ".join(lacking)}: left out')
            cells = [NetworkCell(row, pair, seed, args.root)
                     for row in kept for seed in args.seeds]
            check_settings(cells, workers.options, workers.amp)
            tables.append((pair, kept, cells))
        if args.slurm is not None:
            submit_all([cell for *_, cells in tables for cell in cells], workers, args)
            return
        for pair, kept, cells in tables:
            failures = {} if args.collect else train_all(cells, workers)
            failed += len(failures)
            report = NetworkReport(pair, kept, args.seeds, args.root, {
                cell.work_dir: why for cell, why in failures.items()}, command, workers.options,
                args.table or '')
            paths = report.write(args.out or args.root / 'report')
            print('\n'.join(['', report.heading, *report.brief(), ', '.join(map(str, paths))]))
    if failed:
        sys.exit(f'{failed} cells failed')


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    started = perf_counter()
    command = shlex.join(['mmfkd', 'benchmark', *(sys.argv[1:] if argv is None else argv)])
    if args.networks or args.table in NETWORK_TABLES:
        network_tables(args, command)
        return
    with resumable():
        rows, pairs = grid(args)
        workers = chosen_workers(args)
        refuse_lower_is_better(plan(pairs, rows, args.seeds, args.root), workers.options)
        if args.tuned is not None:
            rows = search(rows, pairs, workers, args)
        cells = plan(pairs, rows, args.seeds, args.root)
        check_settings(cells, workers.options, workers.amp)
        if args.slurm is not None:
            submit_all(cells, workers, args)
            return
        failures = {} if args.collect else train_all(cells, workers)
    report = Report(pairs, rows, args.seeds, args.root,
                    {cell.work_dir: failure for cell, failure in failures.items()}, command,
                    perf_counter() - started, preset_title(args))
    paths = report.write(args.out or args.root / 'report')
    print_tables(report)
    print(f'\n{", ".join(str(path) for path in paths)}')
    if failures:
        sys.exit(f'{len(failures)} of {len(cells)} cells failed')


if __name__ == '__main__':
    main()
