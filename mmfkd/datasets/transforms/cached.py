"""A cache on disk for what a pipeline computes from a file."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmfkd.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Cached(BaseTransform):
    """Runs transforms on one modality, and keeps the result on disk.

    The key is the content of the modality's file and the transforms with their arguments, so a
    changed file or argument is computed anew. What is random would be frozen: leave it outside.

    Required Keys:

    - modalities: ``{modality: dict(path, ...)}``

    Args:
        transforms: configs of transforms that turn the file into an array, such as ``LoadAudio``,
            ``FitLength`` and ``LogSpectrogram``.
        folder: where the arrays are kept, one ``.npy`` file each.
        modality: its name; without it in the sample nothing is done.
    """

    def __init__(self, transforms: Sequence[dict], folder: str, modality: str = 'audio') -> None:
        self.transforms = Compose([TRANSFORMS.build(cfg) for cfg in transforms])
        self.folder = Path(folder)
        self.modality = modality
        self._parameters = json.dumps(list(transforms), sort_keys=True, default=str)

    def transform(self, results: dict) -> dict:
        """See the class."""
        spec = results['modalities'].get(self.modality)
        if spec is None:
            return results
        path = self.folder / f'{self._key(spec)}.npy'
        try:
            array = np.load(path)
        except (OSError, ValueError, EOFError):
            array = self.transforms(results)['modalities'][self.modality]
            save(path, array)
        results['modalities'][self.modality] = array
        return results

    def _key(self, spec: dict) -> str:
        part = json.dumps({key: spec[key] for key in sorted(spec) if key != 'path'})
        digest = hashlib.sha1(f'{self._parameters}{part}'.encode())
        try:
            digest.update(Path(spec['path']).read_bytes())
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{spec['path']} does not exist") from error
        return digest.hexdigest()


def save(path: Path, array: np.ndarray) -> None:
    """Writes an array in one step: workers may write the same file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f'.{os.getpid()}.tmp')
    with temporary.open('wb') as file:
        np.save(file, array)
    os.replace(temporary, path)
