"""Fused images of the pairs of a data set, as files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmfkd.config.fused import PLACEHOLDER, fused_folder, modality_folder
from mmfkd.datasets.image_files import suffixes_of
from mmfkd.evaluation.fused_images import stretched
from mmfkd.models.losses.shapes import resized
from mmfkd.registry import DATASETS
from mmfkd.whole_files import written_whole

from .opening import Opened
from .predictor import Predictor

MADE_WITH = 'mmfkd'  # text of a written image: what it was made with


def pairs_of(cfg: Config, split: str, names: Sequence[str], out: Path | None
             ) -> list[tuple[dict[str, str], Path]]:
    """Files of each pair of a split, by modality, and the file for its fused image.

    The images of ``train/vi`` are fused into ``train/fused_rgb-ir``, those of ``visible/train``
    into ``fused_rgb-ir/train``, see :func:`mmfkd.config.fused.fused_folder`.

    Args:
        cfg: config of the network, whose data set is looked at.
        split: 'train', 'val' or 'test'; train is whole, with what is held out to select on.
        names: modalities that are fused, of those that the data set has.
        out: folder that stands for that of the data set; None writes into the data set.

    Raises:
        ValueError: the data set has no folders of images, or they do not lie there; or a folder is
            not below ``data_root``, for which ``out`` stands.
    """
    spec = dict(cfg[f'{split}_dataloader'].dataset, pipeline=[], indices=None)
    folder = modality_folder(spec, names[0], f'{split}_dataloader.dataset')
    if out is not None and (Path(folder).is_absolute() or '..' in Path(folder).parts):
        raise ValueError(f'modalities.{names[0]}.folder={folder} is not below data_root: -o takes '
                         'the subfolders of data_root; give the folder from there, or leave out -o')
    if split != 'val':
        spec['subset'] = None
    dataset = DATASETS.build(spec)
    samples = [dataset.get_data_info(i)['modalities'] for i in range(len(dataset))]
    return [_place(dataset, {name: files[name] for name in names}, out) for files in samples]


def _place(dataset, modalities: Mapping[str, Mapping], out: Path | None
           ) -> tuple[dict[str, str], Path]:
    first, spec = next(iter(modalities.items()))
    folder, path = dataset.modalities[first]['folder'], spec['path']
    source = Path(dataset.data_prefix[first]).as_posix()
    found = re.match('(.*?)'.join(map(re.escape, PLACEHOLDER.split(source))) + '/',
                     Path(path).as_posix())
    if not found:
        raise ValueError(f'{path} does not lie in modalities.{first}.folder={folder}: mmfkd fuse '
                         'needs a folder that tells where the images are')
    parts = iter(found.groups())
    pattern = fused_folder(folder, list(modalities)).replace('{split}', dataset.split)
    target = PLACEHOLDER.sub(lambda _: next(parts), pattern)
    suffix = next(one for one in suffixes_of(spec['suffix']) if path.endswith(one))
    inside = f'{Path(path).as_posix()[found.end():].removesuffix(suffix)}.png'
    return ({name: one['path'] for name, one in modalities.items()},
            Path(out or dataset.data_root, target, inside))


def mark_of(opened: Opened) -> str:
    """What stands for weights and config in a written image.

    Args:
        opened: the network, with its checkpoint and config.
    """
    read = repr((opened.config.model.to_dict(), opened.dataset['pipeline']))
    return sha256(opened.checkpoint.read_bytes() + read.encode()).hexdigest()[:16]


def mark_with(mark: str, files: Mapping[str, str]) -> str:
    """A mark that also stands for the files of a pair: their size, and when they were written.

    Args:
        mark: of :func:`mark_of`.
        files: modality to path.
    """
    states = [(name, (state := Path(path).stat()).st_size, state.st_mtime_ns)
              for name, path in sorted(files.items())]
    return sha256(f'{mark} {states}'.encode()).hexdigest()[:16]


def fuse(predict: Predictor, pairs: list[tuple[dict[str, str], Path]], mark: str
         ) -> Iterator[Path]:
    """Writes the fused image of each pair: grey, stretched from 0 to 255, of the files' size.

    Args:
        predict: of a network whose samples get the field ``fused``.
        pairs: see :func:`pairs_of`.
        mark: see :func:`mark_of`; with that of the files it is written into each image, of which
            :func:`is_made` tells.

    Yields:
        what was written.
    """
    each = iter(pairs)
    for _, batch in predict.batches([files for files, _ in pairs]) if pairs else ():
        for sample in predict.forward(batch):
            files, target = next(each)
            image = resized(sample.fused.data[None].float(), sample.ori_shape)
            write(target, image[0, 0].cpu().numpy(), mark_with(mark, files))
            yield target


def is_made(files: Mapping[str, str], path: Path, mark: str) -> bool:
    """Whether a fused image is there, of these files by this network.

    Args:
        files: modality to path.
        path: of the fused image.
        mark: see :func:`mark_of`.
    """
    if not path.is_file():
        return False
    with Image.open(path) as image:
        return image.info.get(MADE_WITH) == mark_with(mark, files)


def write(path: Path, image: np.ndarray, mark: str) -> None:
    """Writes an image at once, so that a file that is there is whole."""
    note = PngInfo()
    note.add_text(MADE_WITH, mark)
    grey = Image.fromarray(np.round(stretched(image) * 255).astype(np.uint8))
    with written_whole(path) as temporary:
        grey.save(temporary, format='PNG', pnginfo=note)
