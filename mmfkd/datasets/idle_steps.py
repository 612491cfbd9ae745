"""Steps of a pipeline that do nothing, or see nothing."""

import logging
from collections.abc import Collection, Iterable

from mmengine.logging import print_log

from .transforms.pack import PackPairs


def tell_idle_steps(steps: Iterable[object], modalities: Collection[str]) -> None:
    """Warns of steps for a modality that a data set never has, such as an inherited one's.

    Args:
        steps: transforms of a pipeline.
        modalities: names that the data set may have.
    """
    for step in steps:
        name = getattr(step, 'modality', None)
        if isinstance(name, str) and name not in modalities:
            print_log(f"{type(step).__name__}(modality='{name}') of the pipeline does nothing: the "
                      f'modalities are {", ".join(modalities)}. Name one of them, or take the '
                      'step out', logger='current', level=logging.WARNING)


def refuse_bare_steps(steps: Iterable[object]) -> None:
    """Refuses steps of mmcv, mmpretrain and mmseg where modalities are packed as pairs.

    They look for ``img``, which there is in :class:`TransformImages` alone; some do nothing without
    it.

    Args:
        steps: transforms of a pipeline; those that hold others, such as ``RandomApply``, may stay,
            and so may all where another step than ``PackPairs`` packs.

    Raises:
        ValueError: there is one.
    """
    steps = list(steps)
    if not any(isinstance(step, PackPairs) for step in steps):
        return
    for step in steps:
        package = type(step).__module__.partition('.')[0]
        if package in ('mmcv', 'mmpretrain', 'mmseg') and not hasattr(step, 'transforms'):
            raise ValueError(
                f"{type(step).__name__} of the pipeline sees no image here: put it into "
                "dict(type='TransformImages', modality='...', transforms=[...])")
