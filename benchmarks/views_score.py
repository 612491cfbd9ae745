"""Trains a distillation with and without kept teacher outputs: what do fewer views cost in score?

For each seed a teacher, a run without a cache, and one for each number of views are trained and
tested by the project's own commands; finished runs are not repeated. Differences are paired by
seed. With as many views as epochs no view recurs.

Example::

    python benchmarks/views_score.py mars_aux2gray --method kd --views 1 2 4 8 --seeds 0 1 2
"""

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

from rich.console import Console
from rich.table import Table

from mmfkd.checkpoints import read_summary
from mmfkd.checkpoints.settings import told
from mmfkd.cli.options import add_config_options
from mmfkd.config import Pair, load_config, main_metric
from mmfkd.engine.processes import train_command
from mmfkd.evaluation.statistics import compare

TEACHER = 'model.teachers.teacher'


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('pair', metavar='DATASET_A2B')
    parser.add_argument('--method', default='kd')
    parser.add_argument('--views', nargs='+', type=int, default=[1, 2, 4, 8])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--root', type=Path, default=Path('work_dirs/views'),
                        help='The folder of all runs.')
    add_config_options(parser)
    return parser.parse_args()


def trained(work_dir: Path, what: list[str], options: dict[str, object]) -> Path:
    """Trains what is not done, and goes on with what was stopped; the work dir of the run.

    Raises:
        SystemExit: a run there had other options.
    """
    summary = read_summary(work_dir)
    if summary is None:
        subprocess.run(train_command(what, work_dir, options, amp=False), check=True,
                       stdout=subprocess.DEVNULL)
    elif 'options' in summary and told(summary['options'], False) != told(options, False):
        sys.exit(f'{work_dir} was trained with other options: name another --root')
    return work_dir


def scores(args: argparse.Namespace) -> dict[int | None, dict[int, tuple[float | None, float]]]:
    """Number of views, None without a cache, to seed to the scores on validation and test."""
    pair = Pair.parse(args.pair)
    metric = main_metric(load_config(pair.student_config))
    folder = args.root / args.pair
    found: dict[int | None, dict[int, tuple[float | None, float]]] = {}
    for seed in args.seeds:
        seeded: dict[str, object] = {'randomness.seed': seed, **args.cfg_options}
        teacher = trained(folder / f'teacher/seed{seed}', [pair.teacher_config], seeded)
        for views in (None, *args.views):
            options = {**seeded, f'{TEACHER}.checkpoint': str(teacher)}
            if views:
                options.update({f'{TEACHER}.cache.views': views,
                                f'{TEACHER}.cache.folder': str(folder / 'teacher_outputs')})
            name = f'{args.method}-{views}' if views else args.method
            run = trained(folder / f'{name}/seed{seed}',
                          ['--pair', args.pair, '--method', args.method], options)
            summary = read_summary(run) or {}
            found.setdefault(views, {})[seed] = (summary['val'], summary['test'][metric])
            print(f'{run}: {found[views][seed][1]:.1f}', flush=True)
    return found


def spread(values: list[float], sign: str = '') -> str:
    """Mean ± standard deviation."""
    half = f' ± {stdev(values):.1f}' if len(values) > 1 else ''
    return f'{mean(values):{sign}.1f}{half}'


def main() -> None:
    """Trains what is missing and prints the table."""
    args = parse_args()
    found = scores(args)
    tests = {views: {seed: both[1] for seed, both in by_seed.items()}
             for views, by_seed in found.items()}
    table = Table('views', 'val', 'test', 'against no cache, by seed', '95 %', 'test by seed')
    for views, by_seed in found.items():
        vals = [both[0] for both in by_seed.values() if both[0] is not None]
        row = [spread(vals) if vals else '', spread([*tests[views].values()])]
        if views is None:
            against = ['', '']
        else:
            result = compare(tests[views], tests[None], {}, {})
            against = [spread([tests[views][seed] - tests[None][seed] for seed in by_seed], '+'),
                       f'{result.low:+.1f} to {result.high:+.1f}'
                       if result and result.p is not None else '']
        table.add_row(str(views or 'no cache'), *row, *against,
                      ', '.join(f'{score:.1f}' for score in tests[views].values()))
    Console(width=140).print(table)


if __name__ == '__main__':
    main()
