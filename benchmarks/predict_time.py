"""Times predictions of an exported student by mmfkd against plain mmseg, from file to mask.

Both read the same files of rendered rooms, one at a time, in turns. Plain mmseg is
``inference_model`` on the ``config.py`` of the export: the same network without mmfkd.

Example::

    mmfkd export work_dirs/recommended/synthetic_depth2rgb best -o exported
    python benchmarks/predict_time.py exported --size 480 640 --threads 2
"""

import argparse
import tempfile
from itertools import cycle
from pathlib import Path
from statistics import median

import torch
from mmseg.apis import inference_model, init_model
from PIL import Image

from mmfkd.analysis import compare
from mmfkd.datasets.synthetic.rooms import render_scene
from mmfkd.inference import Predictor


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('export', type=Path, help='The folder of an exported segmenter.')
    parser.add_argument('--size', nargs=2, type=int, default=(480, 640), metavar=('H', 'W'))
    parser.add_argument('--images', type=int, default=30)
    parser.add_argument('--threads', type=int, help='The number of CPU threads of PyTorch.')
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    predict = Predictor(args.export, device=device)
    plain = init_model(str(args.export / 'config.py'), str(args.export / 'weights.pth'), device)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f'{i}.png')) for i in range(8)]
        for i, path in enumerate(paths):
            Image.fromarray(render_scene(i, args.size)['rgb'][..., ::-1]).save(path)
        ours, theirs = cycle(paths), cycle(paths)
        first, = predict(paths[0])
        wanted = inference_model(plain, paths[0]).pred_sem_seg.data[0].cpu().numpy()
        same = (first.mask == wanted).mean()
        times = compare(lambda: predict(next(ours)), lambda: inference_model(plain, next(theirs)),
                        args.images, 3, torch.device(device))
    ratios = [a / b for a, b in zip(times['full'], times['floor'], strict=True)]
    print(f'{args.export} on {args.size[0]}x{args.size[1]}, {device}, {torch.get_num_threads()} '
          f'threads, {args.images} images: mmfkd {median(times["full"]) * 1e3:.1f} ms, plain mmseg '
          f'{median(times["floor"]) * 1e3:.1f} ms, ratio {median(ratios):.3f} '
          f'({min(ratios):.3f} to {max(ratios):.3f}), {same:.2%} of the pixels equal')


if __name__ == '__main__':
    main()
