"""Pictures of a classified sample: what the network was given, and its scores."""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from .pictures import picture


def draw_scores(inputs: Mapping[str, Tensor], scores: Mapping[str, float],
                sounds: Collection[str] = ()) -> np.ndarray:
    """Draws images, frames and spectrograms, and a bar for each score.

    Args:
        inputs: modality to (C, H, W), (T, C, H, W) of a clip, or tokens, which are left out.
        scores: name of a class to its probability, in the order of the bars.
        sounds: modalities that are spectrograms.

    Returns:
        RGB uint8 (H, W, 3).
    """
    images = {name: x[len(x) // 2] if x.ndim == 4 else x for name, x in inputs.items()
              if x.ndim > 2}
    figure = Figure(figsize=(2.6 * len(images) + 3.4, 2.6), dpi=100, layout='constrained')
    *places, bars = figure.subplots(1, len(images) + 1, squeeze=False)[0]
    for place, (name, image) in zip(places, images.items(), strict=True):
        # Of a spectrogram the low frequencies are at the bottom.
        place.imshow(picture(image), aspect='auto', origin='lower' if name in sounds else 'upper')
        place.set_title(name)
        place.set_axis_off()
    bars.barh(list(scores), list(scores.values()))
    bars.invert_yaxis()
    bars.set_xlim(0, 1)
    bars.set_xlabel('score')
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
