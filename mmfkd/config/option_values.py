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

    Quotes, and the name of a file or folder that exists, make a text of it as it stands, as do
    underscores between digits. Else numbers, True, False, None and Python's lists, tuples and
    dicts, also as ``dict(key=value)``, are these, and commas make a list, as in OpenMMLab; there
    texts in a list need no quotes unless they hold spaces.

    Raises:
        ValueError: a list with spaces in a text without quotes, or brackets that do not close.
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in '\'"' and text[0] not in text[1:-1]:
        return text[1:-1]
    if re.fullmatch(r'\d+(_\d+)+', text):  # to Python a number, to people the name of a folder
        return text
    try:
        value = ast.literal_eval(_DictCalls().visit(ast.parse(text.strip(), mode='eval')))
        bare = isinstance(value, tuple) and not text.strip().startswith('(')
        return list(value) if bare else value
    except (ValueError, SyntaxError):
        pass
    if not re.search(r'[,()\[\]]', text) or _exists(text):
        return DictAction._parse_int_float_bool(text)
    compact = re.sub(r'\s*([,()\[\]])\s*', r'\1', text.strip())
    closed = all(compact.count(a) == compact.count(b) for a, b in ('()', '[]'))
    with suppress(RecursionError):  # of brackets that are parts of a text
        if closed and ' ' not in compact:
            return DictAction._parse_iterable(compact)
    raise ValueError(f"{text}: put texts with spaces, commas or brackets into quotes: "
                     "\"['a b', 'c']\", \"'a, b'\"")


class _DictCalls(ast.NodeTransformer):
    """Makes literals of ``dict(key=value)``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of anything else stays, and is no literal."""
        self.generic_visit(node)
        names = [word.arg for word in node.keywords]
        if node.args or None in names or not isinstance(node.func, ast.Name) or (
                node.func.id != 'dict'):
            return node
        return ast.Dict([ast.Constant(name) for name in names],
                        [word.value for word in node.keywords])


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
