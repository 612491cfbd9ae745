from .rows import tuned_rows
from .space import Dimension, options_of, space_of
from .study import Search, Tuned

__all__ = ['Dimension', 'Search', 'Tuned', 'options_of', 'space_of', 'tuned_rows']
