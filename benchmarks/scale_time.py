"""Measures how many samples an hour a distillation trains on, by size, batch and teacher.

KD from the depth of NYU Depth V2 to its colours, DeepLabV3+ R18 as the student, random batches and
weights. A step of the student alone and one with its teacher take turns. Under torchrun each
process has a batch of its own, and gradients are averaged as in a training.

Examples::

    python benchmarks/scale_time.py --teachers r18 r101 --sizes 96 192 --batches 2 8
    torchrun --nproc_per_node 2 benchmarks/scale_time.py --teachers r18
"""

import argparse
import os
from collections.abc import Callable
from functools import partial
from itertools import product
from statistics import median

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, init_dist, is_main_process
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from mmfkd.analysis import compare
from mmfkd.analysis.untrained import build_model, random_data
from mmfkd.config import compose, find_config, student_config
from mmfkd.devices import default_device, device_name
from mmfkd.engine.distributed import end_together

LOSS = dict(type='mmfkd.CrossEntropyLoss', avg_non_ignore=True)
HEAD = dict(num_classes=40, loss_decode=LOSS)
DEEP = dict(backbone=dict(depth=101), decode_head=dict(in_channels=2048, c1_in_channels=256))
B5 = dict(backbone=dict(in_channels=1, embed_dims=64, num_layers=[3, 6, 40, 3]),
          decode_head=dict(HEAD, in_channels=[64, 128, 320, 512], channels=768))
# At a stride of 16, as its weights of ImageNet are used for segmentation.
VIT = dict(_scope_='mmseg', type='EncoderDecoder',
           backbone=dict(type='VisionTransformer', in_channels=1, embed_dims=1024, num_layers=24,
                         num_heads=16, out_indices=23, interpolate_mode='bicubic'),
           decode_head=dict(HEAD, type='FCNHead', in_channels=1024, channels=256, num_convs=1),
           train_cfg=dict(), test_cfg=dict(mode='whole'))
TEACHERS = ('r18', 'r101', 'segformer-b5', 'vit-l')


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--teachers', nargs='+', choices=TEACHERS, default=list(TEACHERS))
    parser.add_argument('--sizes', nargs='+', type=int, default=[96],
                        help='The height and width of images in pixels.')
    parser.add_argument('--batches', nargs='+', type=int, default=[4],
                        help='The number of samples of a step and process.')
    parser.add_argument('--steps', type=int, default=5)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def teacher_branch(name: str) -> dict:
    """Arguments of a teacher of depth images, with the tap ``logits``."""
    branch = student_config('unimodal/nyuv2_depth')
    if name == 'segformer-b5':
        base = Config.fromfile(find_config('_base_/models/segformer_b0'))
        branch['model'] = base.model.students.student.model
    network = Config(dict(model=VIT if name == 'vit-l' else branch['model']))
    network.merge_from_dict(dict(model={'r101': DEEP, 'segformer-b5': B5}.get(name, {})))
    return dict(modality=branch['modality'], norm=branch['norm'], model=network.model,
                taps=dict(logits='decode_head.conv_seg'))


def step_of(cfg: Config, size: int, batch: int, device: torch.device) -> Callable[[], object]:
    """A training step of a config."""
    model = build_model(cfg).to(device).train()
    data = random_data(model, (size, size), batch)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    if get_world_size() > 1:
        devices = [torch.cuda.current_device()] if device.type == 'cuda' else None
        model = MMDistributedDataParallel(model, device_ids=devices, broadcast_buffers=False)
    return partial(model.train_step, data, wrapper)


def configs(teacher: str) -> tuple[Config, Config]:
    """Of a training with a teacher, and of one of the student alone."""
    taught = compose('nyuv2_depth2rgb', 'kd')
    alone = Config(taught.to_dict())
    alone.model.teachers, alone.model.losses = {}, {}
    # A file that is not there: random weights.
    taught.model.teachers = dict(teacher=dict(teacher_branch(teacher), checkpoint='none.pth'))
    return taught, alone


def measure(teacher: str, size: int, batch: int, steps: int) -> tuple[float, float]:
    """Samples an hour of all processes, of the student alone and with its teacher."""
    device = default_device()
    taught, alone = configs(teacher)
    times = compare(step_of(taught, size, batch, device), step_of(alone, size, batch, device),
                    steps, 1, device)
    samples = batch * get_world_size() * 3600
    return samples / median(times['floor']), samples / median(times['full'])


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if 'RANK' in os.environ and torch.cuda.is_available():
        init_dist('pytorch')
    elif 'RANK' in os.environ:
        torch.distributed.init_process_group('gloo')
    init_default_scope('mmfkd')
    table = Table('teacher', 'pixels', 'batch', 'alone, samples an hour', 'with teacher', 'ratio')
    for teacher, size, batch in product(args.teachers, args.sizes, args.batches):
        alone, taught = measure(teacher, size, batch, args.steps)
        table.add_row(teacher, f'{size}x{size}', str(batch), f'{alone:,.0f}', f'{taught:,.0f}',
                      f'{alone / taught:.2f}')
    if is_main_process():
        device = device_name(default_device())
        print(f'{get_world_size()} processes, {device}, {torch.get_num_threads()} threads each, '
              f'medians of {args.steps} steps; the ratio is that of the time of a step')
        Console(markup=False).print(table)
    end_together()


if __name__ == '__main__':
    main()
