"""Predictions of several networks for one sample, with the milliseconds that each took."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from mmengine.dataset import pseudo_collate

from mmfkd.inference import Classification, Predictor
from mmfkd.inference.results import Prediction

from .samples import Samples


@dataclass(frozen=True)
class Answer:
    """What one network says.

    Attributes:
        title: of the network.
        prediction: None where the network was not given what it needs.
        milliseconds: of the network and of the mask or the scores, without reading files.
        needs: modalities that it takes.
    """

    title: str
    prediction: Prediction | None
    milliseconds: float
    needs: tuple[str, ...]

    def row(self) -> list[str]:
        """Title, modalities, what is predicted, and the time."""
        one = self.prediction
        if one is None:
            return [self.title, '', f'needs {" or ".join(self.needs)}', '']
        said = (f'{one.class_name} ({one.score:.0%})' if isinstance(one, Classification) else
                ', '.join(f'{name} {share:.0%}' for name, share in sorted(
                    one.shares.items(), key=lambda item: -item[1])[:4] if share >= 0.005))
        return [self.title, ' + '.join(one.modalities), said, f'{self.milliseconds:.1f}']

    def picture(self) -> np.ndarray | None:
        """RGB uint8 (H, W, 3)."""
        return None if self.prediction is None else self.prediction.picture()


def of_sample(networks: Mapping[str, Predictor], samples: Samples, i: int, names: set[str]
              ) -> list[Answer]:
    """Answers to a sample of a data set.

    Args:
        networks: title to network.
        samples: of the test set.
        i: number of the sample.
        names: modalities that are given.

    Raises:
        FileNotFoundError, ValueError: a file cannot be read as a network needs it; it is named.
    """
    found = []
    for title, network in networks.items():
        sample = samples.read_by(i, network)
        inputs = {name: x for name, x in sample['inputs'].items()
                  if name in names and name in network.modalities}
        batch = pseudo_collate([dict(sample, inputs=inputs)]) if inputs else None
        found.append(_answer(title, network, batch))
    return found


def of_files(networks: Mapping[str, Predictor], given: Mapping[str, Any]) -> list[Answer]:
    """Answers to files, arrays and texts.

    Args:
        networks: title to network.
        given: modality to what :func:`mmfkd.inference.samples.samples_of` takes, one sample each.

    Raises:
        FileNotFoundError, ValueError: something cannot be read; it is named.
    """
    found = []
    for title, network in networks.items():
        own = {name: value for name, value in given.items() if name in network.modalities}
        batch = next(network.batches(own, 1))[1] if own else None
        found.append(_answer(title, network, batch))
    return found


def _answer(title: str, network: Predictor, batch: dict | None) -> Answer:
    if batch is None:
        return Answer(title, None, 0.0, network.modalities)
    start = perf_counter()
    one = next(network.answers([title], batch))
    return Answer(title, one, (perf_counter() - start) * 1e3, network.modalities)
