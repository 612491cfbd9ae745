"""Sizes of the inputs that measurements take when none is named."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature

from mmengine.config import Config

from mmfkd.config import branch_config
from mmfkd.datasets.pipelines import made_size
from mmfkd.registry import DATASETS

FALLBACK = (240, 320)


def branch_modalities(model: Mapping) -> list[str]:
    """Modalities that the students and teachers of a model config take."""
    names: list[str] = []
    for spec in (*model['students'].values(), *(model.get('teachers') or {}).values()):
        modality = branch_config(spec)['modality']
        names += [modality] if isinstance(modality, str) else modality
    return list(dict.fromkeys(names))


def sizes_of(modalities: Iterable[str], dataset: Config, size: Sequence[int] | None = None
             ) -> dict[str, tuple[int, int]]:
    """Height and width a modality: the given ones, the pipeline's, the data set's own, or 240x320.

    Args:
        modalities: names.
        dataset: config of a data set.
        size: of every modality; None takes what the pipeline makes, (1, tokens) of a text.
    """
    return {name: tuple(size or made_size(dataset.get('pipeline', ()), name)
                        or dataset.get('size') or _default_size(dataset.type))
            for name in modalities}


def spelled_sizes(sizes: Mapping[str, Sequence[int]]) -> str:
    """Sizes a modality for a line of text: ``rgb 96 x 96, ir 96 x 96``."""
    return ', '.join(f'{name} {height} x {width}' for name, (height, width) in sizes.items())


def _default_size(kind: str) -> tuple[int, int]:
    """Of images that a data set renders; of files it is not known."""
    built = DATASETS.get(kind)
    parameter = signature(built).parameters.get('size') if built else None
    return parameter.default if parameter else FALLBACK
