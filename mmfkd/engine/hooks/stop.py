"""Stops of a run between two steps."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.engine.processes import StopRequest


class StopHook(Hook):
    """Ends a run between two steps when Ctrl-C or a SIGTERM has come.

    Args:
        request: where it is noted that one has come.
    """

    priority = 'LOWEST'

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None,
                    mode: str = 'train') -> None:
        self.request.raise_if_made()
