"""Clips a second that the audio pipeline of a config delivers, and what its steps take.

It writes wav files as long as the config's clips, and reads them as training does: with a data
loader, without the cache.

Example::

    python benchmarks/audio_time.py configs/unimodal/cremad_audio.py --workers 2
"""

import argparse
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import soundfile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from mmfkd.datasets.pipelines import steps_of
from mmfkd.registry import TRANSFORMS

RATE = 16000


class Waves(Dataset):
    """Wav files through the audio steps of a pipeline.

    Args:
        paths: the files; they are read again and again.
        steps: transforms.
        length: number of clips.
    """

    def __init__(self, paths: list[Path], steps: list, length: int) -> None:
        self.paths = paths
        self.steps = steps
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> torch.Tensor:
        results = dict(modalities=dict(audio=dict(path=str(self.paths[index % len(self.paths)]))))
        for step in self.steps:
            results = step(results)
        return torch.from_numpy(results['modalities']['audio'])


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='The config, such as configs/unimodal/cremad_audio.py.')
    parser.add_argument('--clips', type=int, default=2000,
                        help='The number of timed clips (default: 2000).')
    parser.add_argument('--workers', type=int, default=2,
                        help='The number of workers of the loader (default: 2).')
    parser.add_argument('--files', type=int, default=100,
                        help='The number of different files (default: 100).')
    parser.add_argument('--seconds', type=float, default=3.0,
                        help='The length of a file (default: 3).')
    return parser.parse_args()


def write_waves(folder: Path, count: int, seconds: float) -> list[Path]:
    """Noise as 16-bit mono wav files at 16 kHz."""
    rng = np.random.default_rng(0)
    paths = [folder / f'{i:04d}.wav' for i in range(count)]
    for path in paths:
        soundfile.write(path, rng.uniform(-0.5, 0.5, round(seconds * RATE)), RATE)
    return paths


def clips_a_second(waves: Waves, workers: int) -> float:
    """Throughput of a data loader once its workers are up."""
    loader = DataLoader(waves, batch_size=50, num_workers=workers)
    batches = iter(loader)
    for _ in range(workers or 1):
        next(batches)
    start = perf_counter()
    count = sum(len(batch) for batch in batches)
    return count / (perf_counter() - start)


def profile(waves: Waves, count: int) -> dict[str, float]:
    """Milliseconds a clip that each step takes, in this process."""
    seconds = defaultdict(float)
    for index in range(count):
        results = dict(modalities=dict(audio=dict(path=str(waves.paths[index % len(waves.paths)]))))
        for step in waves.steps:
            start = perf_counter()
            results = step(results)
            seconds[type(step).__name__] += perf_counter() - start
    return {name: 1000 * total / count for name, total in seconds.items()}


def main() -> None:
    """Runs the command."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    init_default_scope('mmfkd')
    torch.set_num_threads(1)
    names = ('LoadAudio', 'FitLength', 'AddNoise', 'LogSpectrogram')
    steps = [TRANSFORMS.build(step) for step in
             steps_of(cfg.train_dataloader.dataset.pipeline, 'audio') if step['type'] in names]
    with TemporaryDirectory() as folder:
        paths = write_waves(Path(folder), args.files, args.seconds)
        waves = Waves(paths, steps, args.clips)
        table = Table('step', 'ms a clip', title=args.config, title_justify='left')
        for name, milliseconds in profile(waves, min(200, args.clips)).items():
            table.add_row(name, f'{milliseconds:.2f}')
        Console().print(table)
        print(f'{clips_a_second(waves, args.workers):.0f} clips a second, {args.workers} workers')


if __name__ == '__main__':
    main()
