"""Values of ``--cfg-options`` as text, and back."""

import argparse
import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmengine.config import DictAction


def parse_value(text: str) -> Any:
    """The value that a text stands for.

    Quotes, and the name of a file or folder that exists, make a text of it as it stands. Else
    numbers, True, False, None and Python's lists, tuples and dicts are these, and commas make a
    list, as in OpenMMLab; there texts in a list need no quotes unless they hold spaces.

    Raises:
        ValueError: a list with spaces in a text without quotes, or brackets that do not close.
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in '\'"' and text[0] not in text[1:-1]:
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
        bare = isinstance(value, tuple) and not text.strip().startswith('(')
        return list(value) if bare else value
    except (ValueError, SyntaxError):
        pass
    if not re.search(r'[,()\[\]]', text) or _exists(text):
        return DictAction._parse_int_float_bool(text)
    compact = re.sub(r'\s*([,()\[\]])\s*', r'\1', text.strip())
    if ' ' in compact or any(compact.count(a) != compact.count(b) for a, b in ('()', '[]')):
        raise ValueError(f"{text}: put texts with spaces or commas into quotes: \"['a b', 'c']\", "
                         "\"'a, b'\"")
    return DictAction._parse_iterable(compact)


def _exists(text: str) -> bool:
    with suppress(OSError):  # a text may be too long for a name
        return Path(text).exists()
    return False


def spelled_value(value: Any) -> str:
    """A text that :func:`parse_value` makes the value of."""
    with suppress(ValueError):
        if isinstance(value, str) and value and parse_value(value) == value:
            return value
    return repr(value)


def spelled_options(options: Mapping[str, object]) -> list[str]:
    """``KEY=VALUE`` of each option, for a command."""
    return [f'{key}={spelled_value(value)}' for key, value in options.items()]


class OptionAction(argparse.Action):
    """Collects ``KEY=VALUE`` in a dict, with values of :func:`parse_value`."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: str | Sequence[Any] | None, option_string: str | None = None) -> None:
        """Reads the values after the option."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for text in values or ():
            key, equals, value = text.partition('=')
            if not equals:
                parser.error(f"{option_string} {text}: write KEY=VALUE, with quotes around a value "
                             'that holds spaces')
            try:
                options[key] = parse_value(value)
            except ValueError as error:
                parser.error(f'{option_string} {key}: {error}')
        setattr(namespace, self.dest, options)
