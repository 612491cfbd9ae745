"""Units of the values that a network takes, where loading changes those of the files."""

from collections.abc import Mapping

from mmengine.config import Config

from mmfkd.datasets.pipelines import registered_modalities

from .mmseg_config import dataset_config


def in_file_units(cfg: Config, spec: dict) -> dict:
    """A branch whose normalisation is in the units of the files.

    The data set may multiply what it reads by the ``scale`` of its modality, which no plain model
    does: ``(s x - mean) / std`` is ``(x - mean / s) / (std / s)``.

    Args:
        cfg: of the run.
        spec: of the branch; left as it is.

    Raises:
        ValueError: values are scaled, and the branch has no ``norm``.
    """
    modality, norm = spec['modality'], spec.get('norm')
    scale = (registered_modalities(dataset_config(cfg)).get(modality) or {}).get('scale')
    if scale in (None, 1):
        return spec
    if not norm:
        raise ValueError(f"modalities.{modality}.scale={scale} of the data set has no place in an "
                         "export without 'norm': train the student with a norm of "
                         f"mean [0.0] and std [1.0] for '{modality}', which changes nothing")
    scaled = {key: [value / scale for value in norm[key]] for key in ('mean', 'std')}
    return dict(spec, norm=dict(norm, **scaled))


def unit_of(dataset: Mapping, modality: str) -> str:
    """What a network takes, where it is no value of a file; empty otherwise.

    Args:
        dataset: config of the data set.
        modality: name.
    """
    loader = (registered_modalities(dataset).get(modality) or {}).get('loader') or {}
    if not str(loader.get('type')).endswith('LoadInfrared'):
        return ''
    bits = loader.get('bits')
    own = '' if bits else 'those of 8 bits as they are, '
    divisor = (2 ** (bits or 16) - 1) / 255
    return f'infrared from 0 to 255: of files, {own}values of 16 bits divided by {divisor:g}'
