from .places import Place, branch_arguments, list_places, random_batch
from .step_time import Floor, Stopwatch, compare, time_fetching, time_phases

__all__ = ['Floor', 'Place', 'Stopwatch', 'branch_arguments', 'compare', 'list_places',
           'random_batch', 'time_fetching', 'time_phases']
