from .branch_files import resolve_branches
from .branches import branch_config, student_config, without_init
from .composition import compose, write_baseline, write_leaf
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
from .loading import load_composed, load_config, load_distiller_config
from .method_files import composed_name, is_network, method_file, methods, networks
from .metrics import main_metric, selecting_metric, selects
from .offers import offers
from .option_keys import fits
from .option_values import OptionAction, parse_value, spelled_options
from .options import merge_options
from .pairs import Modalities, Pair, PairConfigs, pairs, read
from .tap_key import TapKey

__all__ = ['Modalities', 'OptionAction', 'Pair', 'PairConfigs', 'TapKey', 'branch_config',
           'compose', 'composed_name', 'config_name', 'configs_folder', 'default_work_dir',
           'find_config', 'fits', 'is_network', 'load_composed', 'load_config',
           'load_distiller_config', 'main_metric', 'merge_options', 'method_file', 'methods',
           'networks', 'offers', 'packaged', 'packaged_names', 'pairs', 'parse_value', 'read',
           'resolve_branches', 'selecting_metric', 'selects', 'shown', 'spelled',
           'spelled_options', 'student_config', 'without_init', 'write_baseline', 'write_leaf']
