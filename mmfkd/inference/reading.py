"""The test pipeline of a config for samples without labels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmcv.transforms import Compose, LoadAnnotations

from mmfkd.datasets.image_files import default_loader, suffixes_of
from mmfkd.datasets.pipelines import modality_of, registered_modalities
from mmfkd.registry import TRANSFORMS

from .samples import CLIP, IMAGE, SOUND, TEXT, Sample

KINDS = dict(LoadAudio=SOUND, LoadFrames=CLIP, TokenizeText=TEXT, LoadImage=IMAGE)


class Reading:
    """The steps that a data set's pipeline has for the modalities of a network, without labels.

    What renders modalities is replaced by what reads files of them.

    Args:
        dataset: config of a data set of :mod:`mmfkd.datasets`.
        modalities: that the network takes.

    Attributes:
        kinds: modality to its kind, see :mod:`mmfkd.inference.samples`.
        ends: modality to the ends of its files' names in the training, where the data set says it.

    Raises:
        ValueError: the data set does not say how a modality is read.
    """

    def __init__(self, dataset: Mapping, modalities: Sequence[str]) -> None:
        steps = list(unlabelled(dataset.get('pipeline') or ()))
        registered = registered_modalities(dataset)
        self._specs: dict[str, dict] = {}
        found = kinds_of(steps)
        for name in modalities:
            if name in found:
                continue
            if name not in registered:
                raise ValueError(
                    f"the data set {dataset.get('type')} does not say how files of '{name}' are "
                    "read: its test pipeline needs LoadImage, LoadFrames, LoadAudio or "
                    "TokenizeText for it, or its 'modalities' an entry")
            found[name] = IMAGE
            spec = dict(registered[name])
            self._specs[name] = dict(spec, loader=spec.get('loader') or default_loader(spec))
        self.kinds = {name: found[name] for name in modalities}
        self.ends = {name: suffixes_of(spec['suffix']) for name, spec in self._specs.items()
                     if spec.get('suffix')}
        # Others may need what is not there, such as the words of a text.
        own = [step for step in steps if not isinstance(step, Mapping)
               or modality_of(step) in (None, *modalities)]
        self._pipeline = Compose([TRANSFORMS.build(step) for step in own])

    def __call__(self, sample: Sample, number: int = 0) -> dict:
        """What the data set would give a model for a sample, without a label.

        Raises:
            FileNotFoundError, ValueError: of the pipeline, such as a file that cannot be decoded;
                it is named.
        """
        given = {name: {**self._specs[name], **spec} if name in self._specs else spec
                 for name, spec in sample.modalities.items()}
        first = next((spec.get('path') or spec.get('folder') for spec in given.values()
                      if isinstance(spec, Mapping)), sample.name)
        return self._pipeline(dict(sample_idx=number, img_path=first, modalities=given,
                                   seg_fields=[]))


def unlabelled(pipeline: Sequence[Any]) -> Iterator[Any]:
    """Steps of a pipeline without those that load labels, and with readers for renderers."""
    for step in pipeline:
        kind = TRANSFORMS.get(step['type']) if isinstance(step, Mapping) else None
        if kind is not None and issubclass(kind, LoadAnnotations):
            continue
        readers = getattr(kind, 'READERS', None)
        yield from (step,) if readers is None else readers


def kinds_of(steps: Sequence[Any]) -> dict[str, str]:
    """Modalities that steps read by themselves, to what they read."""
    found: dict[str, str] = {}
    for step in steps:
        if not isinstance(step, Mapping):
            continue
        kind = TRANSFORMS.get(step['type'])
        if kind.__name__ in KINDS:
            found[str(modality_of(step))] = KINDS[kind.__name__]
        elif kind.__name__ == 'Cached':
            found.update(kinds_of(step['transforms']))
    return found
