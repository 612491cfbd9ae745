"""Classification data sets that a table describes: a column a modality, and one of labels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mmfkd.registry import DATASETS

from .labelled import Labels, none_labelled
from .lists import ListFormat, below, read_text, with_classes
from .pairs import PairDataset, listed
from .subset import Group, groups_of

FORMS = ('path', 'text', 'folder')


@DATASETS.register_module()
class ListDataset(PairDataset):
    """A table with a column for each modality and one of labels, for data without a class here.

    The table of a split is ``{split}.csv`` in ``data_root``, or a ``.tsv``; its first line names
    the columns, of which there may be more, in any order::

        image,text,label,speaker
        images/1.png,a small house,building,anna

    A table may have semicolons or tabs in place of the commas. An empty cell of a file counts as a
    missing file.

    Args:
        data_root: folder of the data set; files in the table are relative to it.
        columns: modality, which is the name of its column, to what that holds: 'path', a file;
            'folder', the frames of a clip; or 'text'.
        split: name of the table without its suffix.
        label: name of the column of labels.
        group: name of a column, whose values say what belongs together; or a list, function or
            regular expression for the name of a sample, which is its first file, or text without
            one, see :class:`PairDataset`.
        metainfo: ``dict(classes=...)``; without it they are the labels of ``classes_from``, sorted.
        classes_from: the table whose labels are the classes; None takes that of 'train'.
        Others: see :class:`PairDataset`.

    Raises:
        ValueError: an unknown form of a column; classes that differ in blanks or capitals alone,
            where ``metainfo`` names none; and what :class:`PairDataset` says.

    Example:
        >>> ListDataset('data/mine', dict(image='path', text='text'), split='train')
    """

    def __init__(self, data_root: str, columns: Mapping[str, str], split: str = 'train',
                 label: str = 'label', modalities: Sequence[str] | None = None,
                 ann_file: str = '', subset: str | None = None, val_fraction: float = 0.1,
                 split_seed: int = 0, group: Group | None = None, labels: Labels = 'all',
                 missing: str = 'raise', metainfo: dict | None = None,
                 classes_from: str | None = None, pipeline: Sequence = (),
                 test_mode: bool = False, indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False, serialize_data: bool = True) -> None:
        wrong = {name: form for name, form in columns.items() if form not in FORMS}
        if wrong or not columns:
            raise ValueError(f"ListDataset: columns={dict(columns)}: say of each what it holds, "
                             f"{', '.join(map(repr, FORMS))}")
        self.MODALITIES = tuple(columns)
        self._columns = dict(columns)
        self._label = label
        ann_file = ann_file or _table_of(data_root, split)
        metainfo = with_classes(metainfo)
        if not (metainfo or {}).get('classes'):
            source = Path(data_root, classes_from or _table_of(data_root, 'train'))
            metainfo = dict(metainfo or {}, classes=self._classes(source))
        super().__init__(
            data_root=data_root, split=split, modalities=modalities, ann_file=ann_file,
            subset=subset, val_fraction=val_fraction, split_seed=split_seed, group=group,
            labels=labels, missing=missing, metainfo=metainfo, pipeline=pipeline,
            test_mode=test_mode, indices=indices, lazy_init=lazy_init,
            serialize_data=serialize_data)

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        files = [name for name, form in self._columns.items() if form != 'text']
        named_by = [*files, *(name for name in self._columns if name not in files)]
        column = self._column(path)
        for row in self._rows(path, column):
            yield dict(
                label=row.get(self._label), group=row.get(column),
                name=next((row[name] for name in named_by if row[name].strip()),
                          _empty(named_by[0])),
                modalities={name: self._spec(name, row[name]) for name in self._columns})

    def _spec(self, name: str, cell: str) -> str | dict[str, str]:
        """The form of a modality, see :class:`PairDataset`; of an empty cell no file is there."""
        form = self._columns[name]
        if form == 'text':
            return cell
        return {form: str(Path(self.data_root, cell)) if cell.strip() else _empty(name)}

    def groups(self, samples: Sequence[dict], names: Sequence[str]) -> list[str] | None:
        """The column of groups."""
        found = [sample['group'] for sample in samples]
        return groups_of(names, self.group) if None in found else found

    def _column(self, path: Path) -> str | None:
        """The column of groups; None if they come from elsewhere."""
        if not isinstance(self.group, str):
            return None
        elsewhere = '(' in self.group or Path(self.group).is_file()
        inside = not elsewhere or self.group in form_of({}, path).head(path)
        return self.group if inside else None

    def _rows(self, path: Path, column: str | None) -> list[dict]:
        kinds = {name: str if form == 'text' else _file for name, form in self._columns.items()}
        wanted = [column] if column else []
        # Labels that nobody looks at may have no column.
        wanted += [] if none_labelled(self.labels) else [self._label]
        return table(path, {**kinds, **{name: str for name in wanted}})

    def _classes(self, path: Path) -> tuple[str, ...]:
        if not path.is_file():
            raise FileNotFoundError(f'{path} does not exist; its labels say what the classes are. '
                                    "Name it with classes_from, or the classes with "
                                    "metainfo=dict(classes=('...', '...'))")
        names = sorted({row[self._label] for row in table(path, {self._label: str})} - {''})
        refuse_spellings(names, path)
        return tuple(names)


def refuse_spellings(classes: Sequence[str], path: Path) -> None:
    """Refuses classes that differ in blanks or capitals alone.

    Args:
        classes: names.
        path: of the table that has them.

    Raises:
        ValueError: some do.
    """
    spellings: dict[str, list[str]] = {}
    for name in classes:
        spellings.setdefault(' '.join(name.split()).casefold(), []).append(name)
    alike = [' and '.join(map(repr, names)) for names in spellings.values() if len(names) > 1]
    if alike:
        raise ValueError(f'{path} has labels that differ in blanks or capitals alone: '
                         f'{listed(alike)}. Write them alike, or name the classes, where they are '
                         "meant to be several, with metainfo=dict(classes=('...', '...'))")


def _file(cell: str) -> str:
    return below(cell) if cell.strip() else ''


def _empty(name: str) -> str:
    return f'(empty cell of {name})'


def _table_of(data_root: str, split: str) -> str:
    """Name of the table of a split: with tabs if there is none with commas."""
    return next((name for name in (f'{split}.csv', f'{split}.tsv')
                 if Path(data_root, name).is_file()), f'{split}.csv')


def table(path: Path, columns: Mapping[str, Callable[[str], str]]) -> list[dict]:
    """Some columns of a table with a head line."""
    return form_of(columns, path).read(path)


def form_of(columns: Mapping[str, Callable[[str], str]], path: Path) -> ListFormat:
    """The format of a table with a head line, whose marks between columns are those of that line.

    Commas, or tabs if its name says so; semicolons or tabs if the head line has none of these.
    """
    usual = '\t' if path.suffix == '.tsv' else ','
    lines = read_text(path).splitlines() if path.is_file() else []
    head = next((line for line in lines if line.strip()), '')
    mark = next((mark for mark in (usual, ';', '\t') if mark in head), usual)
    return ListFormat(columns, mark, named=True, quoted=True)
