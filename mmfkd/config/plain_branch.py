"""Branches around the models of plain configs of mmseg and mmpretrain."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config

SCOPES = ('mmseg', 'mmpretrain')
LOGITS = {'mmseg': 'decode_head.conv_seg', 'mmpretrain': 'head.fc'}


def plain_branch(cfg: Config, given: Mapping[str, Any]) -> dict:
    """Arguments of a Branch around the model that a plain config trains.

    The normalisation is that of its data preprocessor; what else that does, such as padding, is
    left to the student's. The tap ``logits`` is where a decode head of mmseg, or a linear head of
    mmpretrain, has its logits; ``taps`` replace it.

    Args:
        cfg: a config of mmseg or mmpretrain; not changed.
        given: what stands beside ``config`` in the branch; ``modality`` must.

    Raises:
        ValueError: the config is of neither, it has no model, the modality is not said, or its data
            preprocessor turns RGB into BGR.
    """
    scope, model = cfg.get('default_scope'), cfg.get('model')
    if scope not in SCOPES or not model:
        raise ValueError(f"{cfg.filename}: default_scope='{scope}' and model: {bool(model)}; a "
                         f'branch is around a config of mmfkd, or a plain one of '
                         f'{" or ".join(SCOPES)} with its model')
    if 'modality' not in given:
        raise ValueError(f"{cfg.filename} is a plain config of {scope}, which does not say what "
                         "its network takes: write modality='rgb', or what it is called in your "
                         'data, beside config')
    network = deepcopy(model)
    preprocessor = network.pop('data_preprocessor', None) or cfg.get('data_preprocessor') or {}
    network['_scope_'] = scope
    found = dict(model=network, norm=norm_of(preprocessor, cfg.filename),
                 taps=dict(logits=LOGITS[scope]))
    return {**found, **given}


def norm_of(preprocessor: Mapping[str, Any], name: str | None) -> dict | None:
    """The normalisation of a data preprocessor of mmseg or mmpretrain; None without one.

    Raises:
        ValueError: channels are reversed from RGB to BGR, which no branch does.
    """
    if preprocessor.get('rgb_to_bgr'):
        raise ValueError(f'{name}: data_preprocessor.rgb_to_bgr=True, but data sets here read BGR: '
                         'leave it out, if the images are read so')
    turned = bool(preprocessor.get('bgr_to_rgb') or preprocessor.get('to_rgb'))
    if preprocessor.get('mean') is None:
        # Colours are turned without a normalisation, too.
        return dict(mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=True) if turned else None
    return dict(mean=list(preprocessor['mean']), std=list(preprocessor['std']), bgr_to_rgb=turned)
