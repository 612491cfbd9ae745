"""Options that several commands have, and the choice of a config."""

import argparse
from typing import TYPE_CHECKING

from mmengine.config import Config

from mmfkd.config.option_values import OptionAction, spelled_options

if TYPE_CHECKING:
    from pathlib import Path

    from mmfkd.benchmark import Workers


def add_config(parser: argparse.ArgumentParser, metavar: str = 'CONFIG') -> None:
    """Adds the choice of a config, for :func:`chosen_config`."""
    parser.add_argument('config', nargs='?', metavar=metavar,
                        help='The path of a config, or its name in the package, such as '
                             'fdkd/synthetic_depth2rgb.')
    parser.add_argument('--pair', metavar='DATASET_A2B',
                        help='With --method, in place of a config: A teaches B on this data set.')
    parser.add_argument('--method', metavar='NAME',
                        help='The method of --pair, such as fdkd or dkd; or a network of several '
                             'modalities, such as csknet, with DATASET_A-B as the pair.')


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Adds ``--cfg-options``."""
    parser.add_argument('--cfg-options', nargs='+', action=OptionAction, default={},
                        metavar='KEY=VALUE',
                        help='Override values of the config. A misspelt key is refused; one that '
                             'is new is written +KEY=VALUE, and a text with spaces or commas '
                             '"KEY=\'a, b\'".')


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Adds how many trainings are run, and on what, for :func:`chosen_workers`."""
    parser.add_argument('--jobs', type=int, default=1,
                        help='The number of trainings at a time (default: 1).')
    parser.add_argument('--gpus', nargs='+', default=[], metavar='ID',
                        help='Run one training at a time on each of these GPUs.')
    parser.add_argument('--threads', type=int, help='The CPU threads of each training.')
    parser.add_argument('--amp', action='store_true', help='Train in mixed precision.')
    add_config_options(parser)


def add_work_dir(parser: argparse.ArgumentParser) -> None:
    """Adds ``--work-dir``."""
    parser.add_argument('--work-dir', metavar='DIR',
                        help='The folder of the run (default: work_dirs/<method>/<config>).')


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Adds the launcher of distributed runs, as OpenMMLab's commands have it."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='The launcher that started this process (default: none).')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)


def config_argument(args: argparse.Namespace) -> str:
    """Name of the config that the options choose.

    Raises:
        SystemExit: not exactly one is named.
    """
    if bool(args.config) == bool(args.pair or args.method) or bool(args.pair) != bool(args.method):
        checkpoint = ', then a checkpoint' if 'checkpoint' in args else ''
        raise SystemExit(f'name a config, or --pair and --method together{checkpoint}')
    return args.config or f'{args.method}/{args.pair}'


def chosen_config(args: argparse.Namespace, teachers: bool = True) -> Config:
    """The config that the options choose, with ``--cfg-options`` in it.

    Args:
        args: of :func:`add_config` and :func:`add_config_options`.
        teachers: see :func:`mmfkd.config.load_config`.

    Raises:
        SystemExit: none is named, or what is named does not exist or does not fit.
    """
    from mmfkd.config import load_composed, load_config

    name = config_argument(args)
    try:
        if args.pair:
            return load_composed(args.pair, args.method, args.cfg_options, teachers)
        return load_config(name, args.cfg_options, teachers)
    except SyntaxError as error:
        raise SystemExit(f'{name} is no Python: line {error.lineno}: {error.msg}. Correct the '
                         'config, or one that it inherits') from None
    # mmengine raises an OSError for a file of another kind.
    except (OSError, ValueError) as error:
        text = str(error)
        raise SystemExit(text if name in text else f'{name}: {text}') from None


def chosen_workers(args: argparse.Namespace) -> 'Workers':
    """How trainings are run, from the options of :func:`add_workers`.

    Raises:
        ValueError: fewer than one job or thread.
    """
    from mmfkd.benchmark import Workers

    return Workers(args.cfg_options, args.amp, args.jobs, args.gpus, args.threads)


def spelled_workers(args: argparse.Namespace) -> list[str]:
    """The options of :func:`add_workers` as another command takes them."""
    return ['--jobs', str(args.jobs),
            *(['--gpus', *args.gpus] if args.gpus else []),
            *(['--threads', str(args.threads)] if args.threads else []),
            *(['--amp'] if args.amp else []),
            *(['--cfg-options', *spelled_options(args.cfg_options)] if args.cfg_options else [])]


def chosen_work_dir(args: argparse.Namespace, cfg: Config) -> 'Path | str':
    """Folder of the run: ``--work-dir``, that of the config, or the default one."""
    from mmfkd.config import default_work_dir

    return args.work_dir or cfg.get('work_dir') or default_work_dir(
        config_argument(args))
