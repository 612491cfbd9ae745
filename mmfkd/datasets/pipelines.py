"""Modalities in the configs of data sets: how each is read, and its size after a pipeline."""

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature

from mmfkd.config.options import kind_of
from mmfkd.registry import DATASETS, TRANSFORMS

from .synthetic.talking_heads import RATE
from .transforms import LoadAudio, LogSpectrogram


def made_size(pipeline: Sequence[dict], modality: str) -> tuple[int, int] | None:
    """Height and width of a modality after a pipeline of configs.

    (bins, frames) of a spectrogram, (1, tokens) of a text; None where no step says it.
    """
    size, length, rate = None, 0, None
    for step in steps_of(pipeline, modality):
        name = kind_of(step)
        if name in ('Resize', 'RandomResizedCrop'):
            scale = step.get('scale')
            size = ((scale, scale) if isinstance(scale, int) else
                    None if scale is None else tuple(scale)[::-1])
        elif name == 'LoadAudio':
            rate = LoadAudio(**_arguments(step)).rate
        elif name == 'RenderAudioVisual':
            rate = RATE
        elif name == 'FitLength':
            length = round(step['seconds'] * (step.get('rate') or rate or 0))
        elif name == 'LogSpectrogram':
            spectrogram = LogSpectrogram(**_arguments(step))
            size = (spectrogram.window // 2 + 1,
                    (length - spectrogram.window) // spectrogram.hop + 1)
        elif name == 'TokenizeText':
            size = (1, step.get('max_length', 40))
    return size


def steps_of(pipeline: Sequence[dict], modality: str) -> Iterator[dict]:
    """Steps of a pipeline that concern a modality, and those inside them.

    A step that neither names a modality nor has one by default concerns all.
    """
    for step in pipeline:
        if modality_of(step) in (modality, None):
            yield step
            yield from steps_of(step.get('transforms', ()), modality)


def modality_of(step: Mapping) -> str | None:
    """The modality that a step names, or has by default; None for one that concerns all."""
    parameter = signature(TRANSFORMS.get(step['type'])).parameters.get('modality')
    return step.get('modality', parameter.default if parameter else None)


def registered_modalities(dataset: Mapping) -> Mapping[str, dict]:
    """Name to how files are read, of a data set whose images are loaded together."""
    own = dataset.get('modalities')
    if isinstance(own, Mapping):
        return {name: spec for name, spec in own.items() if spec is not None}
    kind = DATASETS.get(dataset['type'])
    known = getattr(kind, 'MODALITIES', {})
    return known if isinstance(known, Mapping) else {}


def _arguments(step: dict) -> dict:
    return {key: value for key, value in step.items() if key != 'type'}
