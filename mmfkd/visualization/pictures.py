"""Tensors as pictures."""

import numpy as np
from torch import Tensor


def picture(image: Tensor) -> np.ndarray:
    """(C, H, W), raw, to RGB uint8: colour as it is, anything else stretched to its range."""
    array = image.float().cpu().numpy().transpose(1, 2, 0)
    if array.shape[2] == 3:
        return np.ascontiguousarray(array[..., ::-1]).clip(0, 255).astype(np.uint8)
    grey = array.mean(2)
    low, high = grey.min(), grey.max()
    grey = (grey - low) / max(high - low, 1e-6) * 255
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def paint(label: Tensor, palette: np.ndarray) -> np.ndarray:
    """(1, H, W) labels in colours; what is beyond the palette is black."""
    index = label.squeeze(0).cpu().numpy().astype(np.int64)
    colors = np.concatenate([palette, np.zeros((1, 3), np.uint8)])
    return colors[np.where(index < len(palette), index, len(palette))]
