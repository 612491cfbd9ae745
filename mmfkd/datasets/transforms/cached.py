"""A cache on disk for what a pipeline computes from a file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmfkd.caching.keys import VERSIONS
from mmfkd.registry import TRANSFORMS
from mmfkd.whole_files import written_whole

DIGEST = hashlib.sha1().digest_size


@TRANSFORMS.register_module()
class Cached(BaseTransform):
    """Runs transforms on one modality, and keeps the result on disk.

    The key is the content of the modality's file, the transforms with their arguments, and the
    versions of what computes, so that what changes is computed anew. What is random would be
    frozen: leave it outside.

    Required Keys:

    - modalities: ``{modality: dict(path, ...)}``; of what comes without a file, as a text, an array
      or a folder of frames, the result is not kept

    Args:
        transforms: configs of transforms that turn the file into an array, such as ``LoadAudio``,
            ``FitLength`` and ``LogSpectrogram``.
        folder: where the arrays are kept, one file each: ``.npy`` with its digest after it. A
            damaged file is computed anew.
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
        if not isinstance(spec, Mapping) or 'path' not in spec or 'array' in spec:
            return self.transforms(results)
        path = self.folder / f'{self._key(spec)}.npy'
        found = load(path)
        if found is None:
            results = self.transforms(results)
            found = results['modalities'][self.modality], results.get('rates', {}).get(
                self.modality)
            save(path, *found)
        results['modalities'][self.modality], rate = found
        if rate is not None:
            results.setdefault('rates', {})[self.modality] = rate
        return results

    def _key(self, spec: Mapping) -> str:
        part = json.dumps({key: spec[key] for key in sorted(spec) if key != 'path'})
        digest = hashlib.sha1(f'{VERSIONS}{self._parameters}{part}'.encode())
        try:
            digest.update(Path(spec['path']).read_bytes())
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{spec['path']} does not exist") from error
        return digest.hexdigest()


def load(path: Path) -> tuple[np.ndarray, int | None] | None:
    """What :func:`save` wrote; None if there is nothing, or not every byte is as written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    entry, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.sha1(entry).digest() != digest:
        return None
    buffer = BytesIO(entry)
    array, rate = (np.load(buffer, allow_pickle=False) for _ in range(2))
    return array, int(rate) or None


def save(path: Path, array: np.ndarray, rate: int | None = None) -> None:
    """Writes an entry in one step: workers may write the same file at once.

    Args:
        path: of the file: the array, the rate and a digest of both.
        array: what the transforms made.
        rate: of a wave, in Hz.
    """
    buffer = BytesIO()
    for part in (array, np.array(rate or 0)):
        np.save(buffer, part, allow_pickle=False)
    with written_whole(path, shared=True) as temporary:
        temporary.write_bytes(buffer.getvalue() + hashlib.sha1(buffer.getvalue()).digest())
