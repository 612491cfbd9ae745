from .branches import branch_config, resolve_branches, student_config, without_init
from .composition import compose, methods, write_baseline, write_leaf
from .files import (
    config_name,
    configs_folder,
    default_work_dir,
    find_config,
    packaged,
    packaged_names,
    shown,
    spelled,
)
from .loading import (
    load_composed,
    load_config,
    load_distiller_config,
    merge_options,
)
from .metrics import main_metric
from .option_keys import fits
from .option_values import OptionAction, parse_value, spelled_options
from .pairs import Pair, PairConfigs, offers, pairs, read
from .tap_key import TapKey

__all__ = ['OptionAction', 'Pair', 'PairConfigs', 'TapKey', 'branch_config', 'compose',
           'config_name', 'configs_folder', 'default_work_dir', 'find_config', 'fits',
           'load_composed', 'load_config', 'load_distiller_config', 'main_metric',
           'merge_options', 'methods', 'offers', 'packaged', 'packaged_names', 'pairs',
           'parse_value', 'read', 'resolve_branches', 'shown', 'spelled',
           'spelled_options', 'student_config', 'without_init', 'write_baseline',
           'write_leaf']
