from .band_classifier import BandClassifier

__all__ = ['BandClassifier']
