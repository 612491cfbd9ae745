"""What the segmentors of several outputs share: decoding with its feature, and logits to samples.
"""

from collections.abc import Mapping, Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmfkd.models.taps import Taps


def decode(head: BaseDecodeHead, taps: Taps, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Logits of a decode head, and what the one tap in it recorded."""
    with taps.recording() as tapped:
        logits = head(maps)
    return logits, tapped[taps.names[0]]


def output_losses(head: BaseDecodeHead, name: str, logits: Tensor, data_samples: list,
                  supervised: bool) -> dict[str, Tensor]:
    """Losses of one output, prefixed by its name.

    What labels do not supervise gets a zero that depends on the logits, so that its parameters
    have a gradient whatever distillation losses there are; DDP needs that.
    """
    if not supervised:
        return {f'{name}.loss_unsupervised': 0 * logits.sum()}
    losses = head.loss_by_feat(logits, data_samples)
    return {f'{name}.{key}': value for key, value in losses.items()}


def samples_of(model: nn.Module, head: BaseDecodeHead, logits: Tensor,
               data_samples: list | None) -> list:
    """Data samples with predictions, from logits of any size."""
    if data_samples is not None:
        logits = head.predict_by_feat(logits, [sample.metainfo for sample in data_samples])
    return model.postprocess_result(logits, data_samples)


def require_all(inputs: Mapping[str, Tensor], modalities: Sequence[str], model: nn.Module) -> None:
    """Refuses a training batch in which a modality is missing.

    Raises:
        KeyError: names it.
    """
    missing = [name for name in modalities if name not in inputs]
    if missing:
        raise KeyError(f'{type(model).__name__} is trained on all of {list(modalities)}; {missing} '
                       "is missing: add it to 'modalities' of the data set. A modality may be "
                       'missing in tests alone')


def check_whole(test_cfg: Mapping | None, model: nn.Module) -> None:
    """Refuses slide inference.

    Raises:
        ValueError: another ``mode`` than 'whole'.
    """
    if (test_cfg or {}).get('mode', 'whole') != 'whole':
        raise ValueError(f"{type(model).__name__}: test_cfg.mode must be 'whole'; pad or resize "
                         'large images in the pipeline')


def check_outputs(supervised: Sequence[str], known: Sequence[str]) -> None:
    """Refuses names of outputs that a network does not have.

    Raises:
        ValueError: names them.
    """
    unknown = [name for name in supervised if name not in known]
    if unknown:
        raise ValueError(f'supervised={list(supervised)}: there is no output {unknown}; choose of '
                         f'{list(known)}')


def fusion_config(fusion_head: dict, decode_head: dict) -> dict:
    """Config of a fusion head, whose widths, classes and losses are the decode head's by default.

    Raises:
        ValueError: the decode head does not say its ``channels``.
    """
    if 'channels' not in decode_head:
        raise ValueError('decode_head.channels is missing: the fusion head takes its width from it')
    shared = {key: decode_head[key] for key in
              ('num_classes', 'loss_decode', 'ignore_index', 'align_corners') if key in decode_head}
    width = decode_head['channels']
    return {**shared, 'in_channels': width, 'channels': width, **fusion_head}
