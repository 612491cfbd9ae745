"""Trains a config: a baseline, a teacher or a distilled student. Missing teachers come first."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    """Options of OpenMMLab's train.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='for example configs/fdkd/synthetic_depth2rgb.py')
    parser.add_argument('--work-dir', help='default: work_dirs/<method>/<config>')
    parser.add_argument('--resume', nargs='?', const='auto',
                        help='a checkpoint, or nothing for the newest whole one in the work dir')
    parser.add_argument('--amp', action='store_true',
                        help='mixed precision: float16 on GPU, bfloat16 on CPU')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        help='key=value pairs that override the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


def load_config(args: argparse.Namespace) -> Config:
    """The config with the command's options in it."""
    import torch

    from mmfkd.apis.options import merge_options
    from mmfkd.checkpoints import default_work_dir, latest_checkpoint

    if not Path(args.config).is_file():
        sys.exit(f'config {args.config} does not exist; ls configs/*/ lists them')
    cfg = Config.fromfile(args.config)
    merge_options(cfg, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(default_work_dir(args.config))
    if args.amp:
        cuda = torch.cuda.is_available()
        cfg.optim_wrapper.type = 'AmpOptimWrapper' if cuda else 'mmfkd.BFloat16OptimWrapper'
    if args.resume:
        newest = latest_checkpoint(cfg.work_dir)[0] if args.resume == 'auto' else args.resume
        cfg.load_from, cfg.resume = (str(newest), True) if newest else (None, False)
    return cfg


def train_missing_teachers(args: argparse.Namespace, cfg: Config) -> None:
    """Trains each teacher that has no finished run, in a process of its own."""
    from mmfkd.checkpoints import default_work_dir

    started = {name: spec for name, spec in cfg.model.get('students', {}).items()
               if spec.get('checkpoint')}
    for name, spec in {**(cfg.model.get('teachers') or {}), **started}.items():
        checkpoint = spec.get('checkpoint', 'auto')
        if 'config' not in spec or checkpoint.endswith('.pth'):
            continue
        folder = default_work_dir(spec['config']) if checkpoint == 'auto' else Path(checkpoint)
        options = teacher_options(args.cfg_options)
        if is_trained(spec['config'], folder, options):
            continue
        command = [sys.executable, __file__, spec['config'], '--work-dir', str(folder),
                   '--resume', *(['--amp'] if args.amp else [])]
        if options:
            command += ['--cfg-options', *(f'{k}={v}' for k, v in options.items())]
        if args.launcher != 'none':
            sys.exit(f"teacher '{name}' is not trained. Train it first:\n"
                     f'  tools/dist_train.sh {spec["config"]} GPUS --work-dir {folder}')
        print(f"teacher '{name}' is not trained yet; training it first: {' '.join(command[1:])}",
              flush=True)
        code = subprocess.run(command, check=False).returncode
        if code:
            sys.exit(f"training the teacher '{name}' failed with exit code {code}")


def teacher_options(options: dict) -> dict:
    """What of ``--cfg-options`` holds for teachers too: data, schedule, seed, initialisation."""
    own = ('work_dir', 'load_from', 'resume')
    return {key: value for key, value in options.items()
            if key not in own and (not key.startswith('model') or 'init_cfg' in key)}


def is_trained(config: str, folder: Path, options: dict) -> bool:
    """Whether a teacher's work dir holds a run that reached its last epoch."""
    from mmfkd.checkpoints import best_checkpoint, latest_checkpoint

    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options)
    epochs = cfg.train_cfg.max_epochs
    newest, step = latest_checkpoint(folder)
    if newest is None or step >= epochs:
        return best_checkpoint(folder) is not None
    dumped = folder / Path(config).name
    planned = Config.fromfile(dumped).train_cfg.max_epochs if dumped.is_file() else epochs
    if planned != epochs:
        sys.exit(f'{folder} holds a teacher trained for {step} of {planned} epochs, but '
                 f'{epochs} are asked for. Move it away to train another, or take it as it is '
                 f'with --cfg-options model.teachers.teacher.checkpoint=FILE.pth')
    return False


def test_best(runner) -> dict:
    """Metrics of the checkpoint that validation selected, on the test set."""
    from mmfkd.checkpoints import best_checkpoint

    best = best_checkpoint(runner.work_dir)
    metrics = {}
    if best is not None:
        runner.load_checkpoint(str(best))
    if runner.cfg.get('test_dataloader') is not None:
        metrics = runner.test()
    return dict(checkpoint=str(best), val=runner.message_hub.get_info('best_score', None),
                test=metrics)


def close(runner, cfg: Config, started: float) -> None:
    """Writes ``summary.json`` and prints who taught whom and how well both do."""
    from mmengine.dist import is_main_process
    from rich.console import Console
    from rich.table import Table

    from mmfkd.hooks.unwrapped import unwrapped

    summary = test_best(runner)
    if not is_main_process():
        return
    summary.update(config=cfg.filename, seed=runner.seed, seconds=perf_counter() - started)
    metric = cfg.default_hooks.checkpoint.get('save_best')
    table = Table('', 'modality', f'val {metric}', f'test {metric}', 'checkpoint')
    model = unwrapped(runner)
    for name, teacher in model.teachers.items():
        score = runner.message_hub.get_info(f'teacher_{name}', None)
        summary[f'teacher_{name}'] = score
        table.add_row(name, ', '.join(teacher.modalities), number(score), '', 'frozen')
    for name, student in model.students.items():
        first = student is model.student
        maximum = runner.message_hub.get_info(f'test_maximum_{name}', None)
        if maximum is not None:
            summary['test_maximum' if first else f'test_maximum_{name}'] = maximum
        table.add_row(name, ', '.join(student.modalities),
                      number(summary['val'] if first else None),
                      number(summary['test'].get(metric if first else f'{name}/{metric}')),
                      Path(summary['checkpoint']).name)
    text = json.dumps(summary, indent=2, default=float)
    # In one step: a summary that is there says that the run has ended.
    path = Path(cfg.work_dir, 'summary.json')
    path.with_suffix('.tmp').write_text(text + '\n')
    path.with_suffix('.tmp').replace(path)
    Console().print(table)
    print(f'work dir: {cfg.work_dir}')


def number(value: float | None) -> str:
    """Two digits, or a dash."""
    return '-' if value is None else f'{value:.2f}'


def main() -> None:
    """Runs the command."""
    args = parse_args()
    cfg = load_config(args)
    train_missing_teachers(args, cfg)
    started = perf_counter()

    from mmengine.runner import Runner

    from mmfkd.apis.distributed import end_together, keep_timm_norms, use_gloo_without_gpu

    keep_timm_norms(cfg)
    use_gloo_without_gpu(cfg)
    runner = Runner.from_cfg(cfg)
    if len(runner.train_dataloader) == 0:
        sys.exit(f'{len(runner.train_dataloader.dataset)} training samples are less than one '
                 f'batch: lower train_dataloader.batch_size={cfg.train_dataloader.batch_size}')
    runner.train()
    close(runner, cfg, started)
    end_together()


if __name__ == '__main__':
    main()
