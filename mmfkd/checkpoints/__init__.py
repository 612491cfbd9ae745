"""Checkpoints: reading them safely, the weights in them, and the work dirs that hold them."""

from .networks import (
    branch_weights,
    check_heads,
    check_taken,
    classes_in,
    heads_of,
    load_network,
    load_strictly,
    load_weights,
    misfits,
    weights_digest,
    weights_in,
)
from .reading import is_whole, read_checkpoint
from .schemes import register_schemes
from .work_dirs import (
    has_ended,
    latest_checkpoint,
    read_summary,
    resolve_checkpoint,
    selected_checkpoint,
    set_aside,
    step_of,
    write_summary,
)

__all__ = ['branch_weights', 'check_heads', 'check_taken', 'classes_in', 'has_ended', 'heads_of',
           'is_whole', 'latest_checkpoint', 'load_network', 'load_strictly', 'load_weights',
           'misfits', 'read_checkpoint', 'read_summary', 'resolve_checkpoint',
           'selected_checkpoint', 'set_aside', 'step_of', 'weights_digest', 'weights_in',
           'write_summary']

register_schemes()
