from .rows import tuned_rows
from .space import Dimension, options_of, space_of
from .study import Tuned, tune

__all__ = ['Dimension', 'Tuned', 'options_of', 'space_of', 'tune', 'tuned_rows']
