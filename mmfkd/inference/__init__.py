"""Trained networks on data of one's own: see :class:`Predictor`."""

from .predictor import Predictor
from .results import Classification, Segmentation

__all__ = ['Classification', 'Predictor', 'Segmentation']
