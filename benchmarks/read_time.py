"""Times the reading of training samples: of all modalities, and of those that a run uses.

Example::

    python benchmarks/read_time.py unimodal/cremad_audio --samples 100
"""

import argparse
from statistics import median
from time import process_time

from mmengine.registry import init_default_scope

from mmfkd.config import load_config
from mmfkd.registry import DATASETS


def parse_args() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='The config of a baseline, such as unimodal/cremad_audio.')
    parser.add_argument('--samples', type=int, default=100)
    parser.add_argument('--rounds', type=int, default=5)
    return parser.parse_args()


def main() -> None:
    """Runs the command."""
    args = parse_args()
    init_default_scope('mmfkd')
    cfg = load_config(args.config)
    used = next(iter(cfg.model.students.values())).modality
    loaded = cfg.train_dataloader.dataset
    if 'data_root' not in loaded:
        raise SystemExit(f'{args.config} renders its samples: name one that reads files')
    data = {'all': DATASETS.build(loaded), used: DATASETS.build(dict(loaded, modalities=[used]))}
    times: dict[str, list[float]] = {name: [] for name in data}
    for _ in range(args.rounds):
        for name, dataset in data.items():
            count = min(args.samples, len(dataset))
            start = process_time()
            for index in range(count):
                dataset[index]
            times[name].append((process_time() - start) / count * 1e3)
    for name, values in times.items():
        read = ', '.join(data[name][0]['inputs'])
        print(f'{name} ({read}): {median(values):.2f} ms of processor time a sample')


if __name__ == '__main__':
    main()
