"""Lists of samples and classes in text files, read in one way by all data sets and preparations."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, TextIO
from unicodedata import normalize


class ListError(ValueError):
    """A list that cannot be used; the message names the file, the line and the cure."""


def below(text: str) -> str:
    """A name, or a path, of a file below the folder of the data set.

    Raises:
        ValueError: it is empty, absolute, or leads out of the folder.
    """
    outside = any('..' in kind.parts or kind.anchor
                  for kind in (PurePath(text), PureWindowsPath(text)))
    if not text.strip() or outside:
        raise ValueError(f'{text!r} is no path below the folder of the data set that is written '
                         'relative to it, as data_root is put in front')
    return text


def composed(name: str) -> str:
    """A name in the form by which names are compared.

    Unicode writes a letter with a mark in one character or in two. People type the former, and
    archives from macOS hold the latter.
    """
    return normalize('NFC', name)


def missing_data(path: Path) -> str:
    """What to say of data that are not there: a relative path with the folder it starts from."""
    where = '' if path.is_absolute() else f' in the working directory {Path().resolve()}'
    return (f'{path} does not exist{where}. Prepare the data with mmfkd prepare DATASET, or set '
            'data_root to where it is.')


def number(text: str) -> int | float:
    """A whole number as an int, another as a float.

    Raises:
        ValueError: it is none.
    """
    return int(text) if text.strip().lstrip('+-').isdigit() else float(text)


def read_text(path: Path) -> str:
    """The content of a text file in UTF-8, with or without a byte order mark.

    Raises:
        ListError: it is in another encoding.
    """
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ListError(f'{path} is no text in UTF-8 ({error}): save it as UTF-8, or get it '
                        'again') from error


def read_names(path: Path, what: str) -> list[str]:
    """The lines of a file that names one thing a line; blank lines are left out.

    Args:
        path: of the file.
        what: a line names, for the message.

    Raises:
        ListError: the file is empty, no text, or names a path that leads elsewhere.
    """
    names = [line.strip() for line in read_text(path).split('\n') if line.strip()]
    if not names:
        raise ListError(f'{path} is empty: write one {what} a line')
    for name in names:
        try:
            below(name)
        except ValueError as error:
            raise ListError(f'{path}: {error}: correct the line') from error
    return names


def with_classes(metainfo: dict | None) -> dict | None:
    """The ``metainfo`` of a data set with the classes of the file that it may name in their place.

    Raises:
        ListError: there is no such file, or it is empty.
        ValueError: the classes are no texts, as numbers on the command line are none.
    """
    classes = (metainfo or {}).get('classes')
    if metainfo is None or classes is None:
        return metainfo
    if isinstance(classes, str):
        path = Path(classes).expanduser()
        if not path.is_file():
            raise ListError(f"metainfo.classes='{classes}' is no file: name one with a class a "
                            f"line, or give a list, such as ['{classes}']")
        names = [line.strip() for line in read_text(path).split('\n') if line.strip()]
        if not names:
            raise ListError(f'{path} is empty: write one class a line')
        return dict(metainfo, classes=tuple(names))
    if not isinstance(classes, Sequence) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"metainfo.classes={classes!r}: classes are texts. Put each in quotes, "
                         "['0', '1'], on the command line \"...metainfo.classes=['0','1']\"")
    return metainfo


@dataclass(frozen=True)
class ListFormat:
    """A list of samples, one a line.

    Attributes:
        columns: name to type, in the order of the file; a type turns text into a value, or raises
            a ValueError.
        delimiter: between two columns.
        quoted: quotes around a value are undone, as csv writes them; with ',' they always are, else
            they are text.
        header: a first line that is passed over; a list without it is read as well.
        named: the first line names the columns, of which there may be more, in any order.
        labels: what the column 'label' may hold; anything, if empty.
    """

    columns: Mapping[str, Callable[[str], Any]]
    delimiter: str = ','
    header: tuple[str, ...] = ()
    named: bool = False
    labels: tuple[str, ...] = ()
    quoted: bool = False

    def read(self, path: Path) -> list[dict]:
        """The lines of a list, each as column to value; blank lines are left out.

        Raises:
            ListError: the list is missing, empty or no text; a line is of another form, has an
                unknown label, or a path that leads out of the data set.
        """
        if not path.is_file():
            raise ListError(f'{path} is missing')
        rows = list(self._rows(path))
        if not rows:
            raise ListError(f'{path} is empty: it names no sample. Get it again')
        return rows

    def head(self, path: Path) -> list[str]:
        """The values of the first line; none of an empty file."""
        return next(self._lines(path), ([], ''))[0]

    def write(self, file: TextIO, rows: Iterable[Mapping]) -> None:
        """Writes a list without a header into an open text file."""
        writer = csv.writer(file, delimiter=self.delimiter, quoting=self._quoting,
                            lineterminator='\n')
        writer.writerows([row[name] for name in self.columns] for row in rows)

    @property
    def _quoting(self) -> Any:
        return csv.QUOTE_MINIMAL if self.quoted or self.delimiter == ',' else csv.QUOTE_NONE

    def _rows(self, path: Path) -> Iterator[dict]:
        lines = self._lines(path)
        names = self._names(next(lines, ([], ''))[0], path) if self.named else list(self.columns)
        for first, (line, place) in enumerate(lines):
            if first or self.named or tuple(line) != self.header:
                yield self._parsed(line, names, place)

    def _lines(self, path: Path) -> Iterator[tuple[list[str], str]]:
        """The values of each line, and its place for messages."""
        # Only ends of lines divide lines, and not every character that str.splitlines knows.
        reader = csv.reader(StringIO(read_text(path), newline=''), delimiter=self.delimiter,
                            quoting=self._quoting, strict=True)
        while True:
            place = f'{path}, line {reader.line_num + 1}'
            try:
                line = next(reader, None)
            except csv.Error as error:
                raise ListError(f'{place}: a value is not quoted as in csv ({error}): write it in '
                                'quotes, with each quote in it twice, or get the list again'
                                ) from error
            if line is None:
                return
            if any(end in value for value in line for end in '\r\n'):
                raise ListError(f'{place}: a value goes on in the next line, perhaps as a quote is '
                                'not closed: write it in one line, with each quote in it twice')
            if line:
                yield line, place

    def _names(self, line: list[str], path: Path) -> list[str]:
        lacking = [name for name in self.columns if name not in line]
        if lacking:
            raise ListError(f'{path} has no column {", ".join(lacking)}: its first line must name '
                            f'{", ".join(self.columns)}, and names {", ".join(map(repr, line))}')
        return line

    def _parsed(self, line: list[str], names: list[str], place: str) -> dict:
        text = self.delimiter.join(line)
        if len(line) != len(names):
            raise ListError(f'{place}: {text!r} has {len(line)} columns instead of the '
                            f'{len(names)} of {self.delimiter.join(names)!r}: correct it, or get '
                            'the list again')
        found = dict(zip(names, line, strict=True))
        try:
            row = {name: kind(found[name]) for name, kind in self.columns.items()}
        except ValueError as error:
            raise ListError(f'{place}: {text!r} is not {self.delimiter.join(self.columns)!r} '
                            f'({error}): correct it, or get the list again') from error
        if self.labels and row['label'] not in self.labels:
            raise ListError(f'{place}: label {row["label"]!r} is none of '
                            f'{", ".join(self.labels)}: correct it, or get the list again')
        return row
