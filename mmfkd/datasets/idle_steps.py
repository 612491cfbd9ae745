"""Steps of a pipeline that do nothing."""

import logging
from collections.abc import Collection, Iterable

from mmengine.logging import print_log


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
