r"""Kills a training at many moments, resumes it, and compares what it reports with a whole run.

Weights must be equal bit for bit, and summary.json in all but the seconds. Take short runs::

    python benchmarks/kills.py fdkd/synthetic_depth2rgb --kills 30 --jobs 2 --cfg-options \
        train_cfg.max_epochs=4 train_cfg.val_interval=1 default_hooks.checkpoint.interval=1 \
        default_hooks.teacher_report.refuse=False train_dataloader.dataset.num_scenes=48 \
        {train,val,test}_dataloader.dataset.size=32,32
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from mmfkd.cli import main as mmfkd
from mmfkd.config import OptionAction, load_config, spelled_options

PLACES = ('writing a checkpoint', 'before the validation', 'in the validation',
          'between the best checkpoints', 'in the teacher', 'in the closing test',
          'at a random moment')


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='The config, such as fdkd/synthetic_depth2rgb.')
    parser.add_argument('--kills', type=int, default=7, help='The number of kills (default: 7).')
    parser.add_argument('--places', nargs='+', default=PLACES, choices=PLACES,
                        help='Where to kill (default: everywhere in turn).')
    parser.add_argument('--jobs', type=int, default=1, help='Runs at a time (default: 1).')
    parser.add_argument('--seed', type=int, default=0, help='The seed of the moments.')
    parser.add_argument('--root', type=Path, default=Path('work_dirs/kills'),
                        help='The folder of all runs (default: work_dirs/kills).')
    parser.add_argument('--cfg-options', nargs='+', action=OptionAction, default={},
                        metavar='KEY=VALUE', help='Override values of the config.')
    return parser.parse_args()


# ---------------------------------------------------------------- in the process that is killed


def die_at(place: str, count: int) -> None:
    """Prepares this process to be killed when it reaches a place for the ``count``-th time."""
    from mmengine.runner import TestLoop, ValLoop

    from mmfkd.engine import AtomicLocalBackend, CheckpointHook

    owner, name, early = {
        'writing a checkpoint': (AtomicLocalBackend, 'put', True),
        'before the validation': (ValLoop, 'run', True),
        'in the validation': (ValLoop, 'run_iter', False),
        'between the best checkpoints': (CheckpointHook, '_save_checkpoint_with_step', True),
        'in the closing test': (TestLoop, 'run_iter', False)}[place]
    original, seen = getattr(owner, name), Counter[str]()

    def counted(self, *args, **kwargs):
        seen['times'] += 1
        last = seen['times'] == count
        if last and name == 'put':
            content, path = args
            Path(f'{path}.tmp').write_bytes(content[:len(content) // 2])
        if last and early:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(self, *args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)


# ---------------------------------------------------------------- around it


def command(args: argparse.Namespace, folder: Path) -> list[str]:
    """Arguments of the training, with teachers of its own."""
    teachers = load_config(args.config).model.get('teachers') or {}
    own = {f'model.teachers.{name}.checkpoint': str(folder / name) for name in teachers}
    return ['train', args.config, '--work-dir', str(folder / 'run'), '--cfg-options',
            *spelled_options({**args.cfg_options, **own})]


def start(arguments: Sequence[str], log: Path, place: str = '', count: int = 0
          ) -> subprocess.Popen:
    """Starts ``mmfkd``, to be killed at a place if one is given."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('a') as file:
        return subprocess.Popen(
            [sys.executable, __file__, '--child', place, str(count), *arguments], stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
            env=dict(os.environ, PYTHONHASHSEED='0'))


def kill_group(process: subprocess.Popen, when: Callable[[], bool]) -> None:
    """Kills a process and its children at a moment, if it lives until then."""
    while process.poll() is None:
        if when():
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    process.wait()


def run_killed(args: argparse.Namespace, index: int, seconds: float) -> tuple[str, str]:
    """Kills a run, resumes it, and compares it with the whole one: the place, and what differs."""
    draw = random.Random(f'{args.seed} {index}')
    place = args.places[index % len(args.places)]
    folder = args.root / f'kill{index}'
    arguments = command(args, folder)
    patched = place not in ('in the teacher', 'at a random moment')
    count = 1 if place == 'in the closing test' else draw.randint(1, 3)
    process = start(arguments, folder / 'log', place if patched else '', count)
    deadline = time.monotonic() + (draw.uniform(0.1, 0.95) * seconds)
    if place == 'in the teacher':
        kill_group(process, lambda: any(
            path.parent.name != 'run' for path in folder.glob('*/epoch_*.pth')))
    else:
        kill_group(process, lambda: not patched and time.monotonic() > deadline)
    killed = process.returncode != 0
    code = start([*arguments, '--resume'], folder / 'log').wait()
    if code:
        return place, f'the resumed run ended with exit code {code}: {folder / "log"}'
    return place, differences(args.root / 'whole', folder) or ('' if killed else 'not killed')


def differences(whole: Path, parts: Path) -> str:
    """What two folders of runs differ in; empty if they report the same."""
    found = []
    runs = sorted(path.parent.name for path in whole.glob('*/summary.json'))
    for name in runs:
        one, other = (summary(folder / name) for folder in (whole, parts))
        found += [f'{name}: {key} is {other.get(key)} instead of {value}'[:300]
                  for key, value in one.items() if other.get(key) != value]
        files = [{path.name for path in (folder / name).glob('*.pth*')}
                 for folder in (whole, parts)]
        if files[0] != files[1]:
            found.append(f'{name}: files {sorted(files[1])} instead of {sorted(files[0])}')
        for file in sorted(files[0] & files[1]):
            weights = [torch.load(folder / name / file, weights_only=False)['state_dict']
                       for folder in (whole, parts)]
            unequal = [key for key in weights[0] if not torch.equal(weights[0][key],
                                                                    weights[1][key])]
            found += [f'{name}/{file}: {len(unequal)} tensors'] if unequal else []
    return '; '.join(found) or ('' if runs else 'no run ended')


def summary(folder: Path) -> dict:
    """``summary.json`` without what may differ: seconds, and the folders of checkpoints."""
    content = json.loads((folder / 'summary.json').read_text())
    content.pop('seconds')
    options = {key: value for key, value in content.get('options', {}).items()
               if not key.endswith('.checkpoint')}
    return dict(content, checkpoint=Path(content['checkpoint']).name, options=options)


def main() -> int:
    """Runs the command and returns its exit code: 0 if every run survived."""
    args = parse_args()
    begin = time.monotonic()
    if start(command(args, args.root / 'whole'), args.root / 'whole/log').wait():
        sys.exit(f'the whole run failed: {args.root / "whole/log"}')
    seconds = time.monotonic() - begin
    print(f'{args.config}: the whole run took {seconds:.0f} s', flush=True)
    with ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda index: run_killed(args, index, seconds),
                                range(args.kills)))
    for place in args.places:
        outcomes = [problem for where, problem in results if where == place]
        survived = sum(not problem for problem in outcomes)
        print(f'{place}: {survived} of {len(outcomes)}')
        for problem in filter(None, outcomes):
            print(f'  {problem}')
    return int(any(problem for _, problem in results))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        where, number, *rest = sys.argv[2:]
        torch.set_num_threads(1)
        if where:
            die_at(where, int(number))
        mmfkd(rest)
    else:
        sys.exit(main())
