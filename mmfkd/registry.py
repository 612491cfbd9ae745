"""Registries of mmfkd: children of mmengine's roots with the scope ``mmfkd``.

Each registry has locations, so a type is imported when a config first asks for it. Outside the
default scope a type is written with its prefix, for example ``type='mmfkd.KDLoss'``.
"""

from mmengine import registry as roots
from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import Registry

MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmfkd', locations=['mmfkd.models'])
DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='mmfkd', locations=['mmfkd.datasets'])
TRANSFORMS = Registry(
    'transform', parent=MMENGINE_TRANSFORMS, scope='mmfkd',
    locations=['mmfkd.datasets.transforms', 'mmfkd.datasets'])
METRICS = Registry('metric', parent=MMENGINE_METRICS, scope='mmfkd',
                   locations=['mmfkd.evaluation'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmfkd', locations=['mmfkd.engine'])
DATA_SAMPLERS = Registry('data sampler', parent=MMENGINE_DATA_SAMPLERS, scope='mmfkd',
                         locations=['mmfkd.datasets'])
FUNCTIONS = Registry('function', parent=MMENGINE_FUNCTIONS, scope='mmfkd',
                     locations=['mmfkd.engine'])
OPTIM_WRAPPERS = Registry('optim wrapper', parent=MMENGINE_OPTIM_WRAPPERS, scope='mmfkd',
                          locations=['mmfkd.engine'])
WEIGHT_INITIALIZERS = Registry('weight initializer', parent=MMENGINE_WEIGHT_INITIALIZERS,
                               scope='mmfkd', locations=['mmfkd.models'])

# Roots to which mmfkd adds nothing; without a child of the default scope mmengine warns at every
# build of one of their types.
UNUSED = [Registry(root.name, parent=root, scope='mmfkd') for root in (
    roots.EVALUATOR, roots.LOG_PROCESSORS, roots.LOOPS,
    roots.MODEL_WRAPPERS, roots.OPTIM_WRAPPER_CONSTRUCTORS, roots.OPTIMIZERS,
    roots.PARAM_SCHEDULERS, roots.RUNNERS, roots.VISBACKENDS, roots.VISUALIZERS)]
