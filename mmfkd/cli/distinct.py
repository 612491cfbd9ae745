"""Values of an option that each count once."""

import argparse
from collections.abc import Sequence
from typing import Any


class Distinct(argparse.Action):
    """Keeps the values of an option, and refuses one that is named twice."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: str | Sequence[Any] | None, option_string: str | None = None) -> None:
        """Reads the values after the option."""
        given = list(values or ())
        twice = [value for i, value in enumerate(given) if value in given[:i]]
        if twice:
            parser.error(f'{option_string}: {twice[0]} is named twice; name it once')
        setattr(namespace, self.dest, given)
