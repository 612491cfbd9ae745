"""Colours of classes."""


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
