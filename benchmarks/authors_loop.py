"""Times epochs of FDKD in both directions on CREMA-D against a loop as its authors' script has it.

The loop is a bare one, written from what is known of that script: in each step it decodes the sound
and a frame of each sample, runs two frozen teachers and two students, splits four features by FFT,
steps one SGD over students and eight heads, and reads the loss. Against it runs
``configs/fdkd/cremad_both.py`` at the paper's weights by the real runner: with both teachers in
every step, with their outputs kept (warm, see docs/teacher_cache.md), and with students whose
channels lie last besides. All are given the same files, networks, samples and workers, and take
turns. Teachers have random weights.

Example::

    python tools/prepare/synthetic.py data/cremad --layout cremad --train 96 --test 16
    python tools/prepare/cremad.py data/cremad
    python benchmarks/authors_loop.py --samples 64 --batch 8 --threads 1
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import soundfile
import torch
from epoch_time import random_weights, seconds, shortened
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from mmfkd.config import load_config, student_config
from mmfkd.devices import default_device, device_name
from mmfkd.registry import DATASETS, MODELS

CONFIG = 'fdkd/cremad_both'
MODALITIES = ('audio', 'visual')
WIDTH, CLASSES, CLIP = 512, 6, 48000


class Clips(Dataset):
    """Sound and one frame of each sample, decoded at each reading."""

    def __init__(self, cfg: Config) -> None:
        self.samples = DATASETS.build(cfg.train_dataloader.dataset)
        self.window = torch.hann_window(512)
        self.transform = transforms.Compose([
            transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        info = self.samples.get_data_info(index)
        wave, _ = soundfile.read(info['modalities']['audio']['path'], dtype='float32')
        wave = torch.from_numpy(wave).repeat(-(-CLIP // len(wave)))[:CLIP]
        spectrum = torch.stft(wave, 512, 160, window=self.window, return_complex=True)
        frames = sorted(Path(info['modalities']['visual']['folder']).iterdir())
        with Image.open(frames[int(torch.randint(len(frames), ()))]) as image:
            frame = self.transform(image.convert('RGB'))
        return (spectrum.abs() + 1e-7).log()[None, :, :299], frame, info['gt_label']


class Direction(NamedTuple):
    """The teacher of a student, and their heads of both bands.

    Attributes:
        teacher: modality of the teacher.
        student: that of the student.
        heads: four, shared ones and the student's own, of the low and of the high band.
    """

    teacher: str
    student: str
    heads: nn.ModuleList


def networks() -> nn.ModuleDict:
    """An encoder for each modality, and its classifier."""
    built = {}
    for name in MODALITIES:
        encoder = MODELS.build(dict(student_config(f'unimodal/cremad_{name}')['model']['backbone'],
                                    _scope_='mmpretrain'))
        built[name] = nn.ModuleDict(dict(encoder=encoder, classifier=nn.Linear(WIDTH, CLASSES)))
    return nn.ModuleDict(built)


def bands(x: Tensor) -> tuple[Tensor, Tensor]:
    """Low and high band of features (N, D)."""
    spectrum = torch.fft.rfft(x)
    place = torch.arange(spectrum.size(1), device=x.device)
    half = WIDTH // 4
    low, high = ((place >= 1) & (place <= half)).float(), (place > half).float()
    return torch.fft.irfft(spectrum * low), torch.fft.irfft(spectrum * high)


def scaled_log(x: Tensor) -> Tensor:
    """σ(ν(x))."""
    x = F.normalize(x)
    return x.sign() * x.abs().log1p()


def direction_loss(direction: Direction, taught: Tensor, learned: Tensor, labels: Tensor
                   ) -> Tensor:
    """FDKD of one student: both bands, the shared heads and its own."""
    teacher, student = bands(taught), bands(learned)
    loss = F.mse_loss(F.normalize(teacher[0]), F.normalize(student[0]))
    loss = loss + F.mse_loss(scaled_log(teacher[1]), scaled_log(student[1]))
    for band in (0, 1):
        shared, own = direction.heads[2 * band], direction.heads[2 * band + 1]
        for head, feature in ((shared, student), (shared, teacher), (own, student)):
            loss = loss + F.cross_entropy(head(feature[band]), labels)
    return loss


def loop_seconds(cfg: Config) -> list[float]:
    """Seconds of each epoch of the bare loop, its data loader started in each."""
    device = default_device()
    given = cfg.train_dataloader
    loader = DataLoader(Clips(cfg), given.batch_size, shuffle=True, drop_last=True,
                        num_workers=given.num_workers, pin_memory=device.type == 'cuda')
    teachers, students = networks().to(device).eval(), networks().to(device).train()
    directions = [Direction(a, b, nn.ModuleList(
        nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, CLASSES)) for _ in range(4)).to(device))
        for a, b in (MODALITIES, MODALITIES[::-1])]
    weights = [*students.parameters(),
               *(weight for one in directions for weight in one.heads.parameters())]
    optimizer = torch.optim.SGD(weights, lr=0.01, momentum=0.9)
    found = []
    for _ in range(cfg.train_cfg.max_epochs):
        start = perf_counter()
        for *images, labels in loader:
            given_to = dict(zip(MODALITIES, (x.to(device) for x in images), strict=True))
            labels = labels.to(device)
            with torch.no_grad():
                taught = {name: teachers[name]['encoder'](x)[-1].mean((-1, -2))
                          for name, x in given_to.items()}
            learned = {name: students[name]['encoder'](x)[-1].mean((-1, -2))
                       for name, x in given_to.items()}
            loss = sum(F.cross_entropy(students[name]['classifier'](feature), labels)
                       for name, feature in learned.items())
            for one in directions:
                loss = loss + direction_loss(one, taught[one.teacher], learned[one.student],
                                             labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        found.append(perf_counter() - start)
    return found


def own_config(args: argparse.Namespace, folder: Path, cache: Path | None = None,
               channels_last: bool = False) -> Config:
    """The project's config for the same work, with a cache of both teachers or without."""
    cfg = shortened(load_config(CONFIG), args, folder / 'run')
    for loss in cfg.model.losses.values():
        loss.balance = None
    for name, teacher in cfg.model.teachers.items():
        teacher.checkpoint = str(random_weights(teacher.config, folder / f'{name}.pth'))
        if cache is not None:
            teacher.cache = dict(folder=str(cache), views=1)
    for student in cfg.model.students.values():
        student.channels_last = channels_last
    return cfg


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--samples', type=int, default=64, help='The number of training samples.')
    parser.add_argument('--batch', type=int, default=8, help='The number of samples of a step.')
    parser.add_argument('--epochs', type=int, default=3,
                        help='The number of epochs of a round; its first one is left out.')
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmfkd')
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(args.rounds):
            plain = own_config(args, folder)
            cache = folder / f'cache{number}'
            for kind, times in (
                    ("the authors' loop", loop_seconds(plain)), ('with teachers', seconds(plain)),
                    ('warm', seconds(own_config(args, folder, cache))),
                    ('warm, channels_last', seconds(own_config(args, folder, cache, True)))):
                found.setdefault(kind, []).extend(times[1:])
    base = median(found["the authors' loop"])
    table = Table('epochs', 'seconds', 'ratio')
    for kind, times in found.items():
        table.add_row(kind, f'{median(times):.2f}', f'{median(times) / base:.2f}')
    device = device_name(default_device())
    print(f'{args.samples} samples, batch {args.batch}, medians of {args.rounds} rounds, {device}, '
          f'{torch.get_num_threads()} threads, {args.workers} workers')
    Console(markup=False).print(table)


if __name__ == '__main__':
    main()
