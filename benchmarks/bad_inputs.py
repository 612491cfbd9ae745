"""Gives bad inputs to the real commands, and looks at the message that each ends with.

A message is complete if it names the place and the cure, stands without a traceback, and the
command ends with another exit code than 0. Each input changes one thing of a small data set in the
layout of NYUv2, of its config, of a checkpoint or of the command.

Example::

    python benchmarks/bad_inputs.py --jobs 2
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import mmseg.models  # noqa: F401  imported once, before processes are forked
import numpy as np
import torch
from bad_input_cases import CASES, Case

from mmfkd.cli import main as mmfkd
from mmfkd.config import load_distiller_config
from mmfkd.registry import MODELS

CONFIG = '''
_base_ = ['{configs}/unimodal/nyuv2_{modality}.py']
small = dict(data_root='{root}/data')
train_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(subset=None, **small))
val_dataloader = dict(num_workers=0, dataset=dict(split='test', subset=None, **small))
test_dataloader = dict(num_workers=0, dataset=small)
train_cfg = dict(max_epochs=1)
default_hooks = dict(teacher_report=dict(refuse=False), prediction_panel=None)
model = dict(students=dict(student=dict(model=dict(
    backbone=dict(stem_channels=8, base_channels=8, init_cfg=None),
    decode_head=dict(in_channels=64, channels=8, c1_in_channels=8, c1_channels=4)))))
'''


def write_folder(root: Path) -> None:
    """Data, configs of two modalities and of their distillation, and a checkpoint of each."""
    rng = np.random.default_rng(0)
    for split, count in dict(train=8, test=2).items():
        for i in range(count):
            for kind, image in dict(
                    rgb=rng.integers(0, 256, (32, 32, 3)), label=rng.integers(0, 40, (32, 32)),
                    depth=rng.integers(1, 9000, (32, 32))).items():
                path = root / f'data/{split}/{kind}/{i:04d}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                kept = np.uint16 if kind == 'depth' else np.uint8
                cv2.imwrite(str(path), image.astype(kept))
    configs = Path(__file__).resolve().parents[1] / 'configs'
    for modality in ('rgb', 'depth'):
        config = root / f'{modality}.py'
        config.write_text(CONFIG.format(configs=configs, root=root, modality=modality))
        model = MODELS.build(load_distiller_config(config).model)
        torch.save(dict(state_dict=model.state_dict(), meta=dict(modalities=dict(
            student=[modality]))), root / f'{modality}.pth')
    (root / 'fdkd.py').write_text(
        f"_base_ = ['{root}/rgb.py', '{configs}/_base_/methods/fdkd.py']\n"
        'model = dict(losses=_base_.losses, teachers=dict(teacher=dict('
        f"config='{root}/depth.py', checkpoint='{root}/depth.pth')))\n")


def run(case: Case, folder: Path) -> str:
    """What is wrong with the end of a command; empty if its message is complete."""
    root = folder / re.sub(r'\W+', '_', case.name)
    write_folder(root)
    case.change(root)
    log = root / 'log'
    child = os.fork()
    if not child:
        os._exit(in_child(case.command.format(root=root).split(), log))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output = log.read_text()
    lines = [line for line in output.splitlines() if line.strip()] or ['']
    start = next((i for i, line in enumerate(lines) if 'Error:' in line), len(lines) - 1)
    message = '\n'.join(lines[min(start, len(lines) - 1):]) if start else output
    problems = [f'exit code {code}'] if code <= 0 else []
    problems += ['traceback'] if 'Traceback' in output else []
    problems += [f'no {part!r}' for part in case.parts if not re.search(part, message)
                 and not re.search(part, output[-3000:])]
    return f'{", ".join(problems)}: {lines[-1][:200]}' if problems else ''


def in_child(arguments: Sequence[str], log: Path) -> int:
    """Runs a command of mmfkd with its output in a file, and returns its exit code."""
    with log.open('w', buffering=1) as file, contextlib.redirect_stdout(file), \
            contextlib.redirect_stderr(file):
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            mmfkd(arguments)
        except SystemExit as stop:
            if isinstance(stop.code, str):
                print(stop.code, file=file)
            return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        except BaseException:
            traceback.print_exc(file=file)
            return 1
    return 0


def main() -> int:
    """Runs the command and returns its exit code: 0 if every message is complete."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--jobs', type=int, default=1, help='Inputs at a time (default: 1).')
    parser.add_argument('--only', default='', help='Only inputs whose name contains this text.')
    args = parser.parse_args()
    cases = [case for case in CASES if args.only in case.name]
    repeated = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    assert not repeated, repeated
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(args.jobs) as pool:
        problems = dict(zip((case.name for case in cases), pool.map(
            lambda case: run(case, Path(name)), cases), strict=True))
    for case, problem in problems.items():
        if problem:
            print(f'{case}: {problem}')
    wrong = sum(map(bool, problems.values()))
    print(f'{len(cases)} bad inputs: {len(cases) - wrong} complete messages')
    return int(bool(wrong))


if __name__ == '__main__':
    sys.exit(main())
