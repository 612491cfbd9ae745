"""Colours of classes."""

from collections.abc import Mapping
from typing import Any


def voc_palette(count: int) -> list[list[int]]:
    """The bit-interleaved colours of PASCAL VOC for the labels 1 to ``count``."""
    palette = []
    for label in range(1, count + 1):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (label >> (3 * bit + channel) & 1) << (7 - bit)
        palette.append(color)
    return palette


def with_palette(metainfo: Mapping[str, Any] | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """Metainfo with the colours of PASCAL VOC where there are none, which mmseg draws at random.

    Args:
        metainfo: of the config.
        own: ``METAINFO`` of the data set's class.
    """
    given, whole = dict(metainfo or {}), {**own, **(metainfo or {})}
    if whole.get('palette') or not whole.get('classes'):
        return given
    return dict(given, palette=voc_palette(len(whole['classes'])))
