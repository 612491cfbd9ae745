"""Small MATLAB files."""

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from .processes import process_pool


class MatlabError(Exception):
    """A file that cannot be read; the message says why."""


def read_variables(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """Variables of a file, each a flat int64 array.

    Raises:
        MatlabError: the file is damaged or lacks a variable.
    """
    # A damaged file can make scipy's reader crash, which must not end this process. The other one
    # needs nothing but scipy.
    with process_pool(1, loadmat.__module__) as pool:
        try:
            content = pool.submit(loadmat, path, variable_names=list(names)).result()
            return [content[name].ravel().astype(np.int64) for name in names]
        except BrokenProcessPool as error:
            raise MatlabError('its reader crashed') from error
        # scipy raises nearly any type on a damaged file: ValueError, TypeError, zlib.error, ...
        except Exception as error:
            raise MatlabError(repr(error)) from error

