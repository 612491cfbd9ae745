from .findings import Agreement, Findings, Share, look
from .words import Suggestion, sentences, suggestions

__all__ = ['Agreement', 'Findings', 'Share', 'Suggestion', 'look', 'sentences', 'suggestions']
