"""The modalities of a sample whose files are read."""

from collections.abc import Collection, Iterator

from mmengine.dataset import BaseDataset


def read_only(dataset: BaseDataset, names: Collection[str]) -> None:
    """Lets a data set open the files of some modalities alone; its samples stay the same.

    A data set that was given names of modalities goes on to read these, and one that renders its
    samples has no files to leave out.

    Args:
        dataset: one of this package, or a wrapper of some.
        names: of the modalities that are used.
    """
    for part in _parts(dataset):
        if hasattr(part, 'reads') and not part.chosen:
            # None of them is an error that the network explains, once it has its inputs.
            part.reads = frozenset(names) & set(part.modalities) or None


def without_unread(info: dict, reads: Collection[str] | None) -> dict:
    """A sample with the modalities that are read; all of them for None."""
    if reads is None:
        return info
    kept = {name: spec for name, spec in info['modalities'].items() if name in reads}
    return dict(info, modalities=kept)


def _parts(dataset: BaseDataset) -> Iterator[BaseDataset]:
    """The data sets inside of mmengine's wrappers."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner == [None]:
        yield dataset
    for part in inner:
        if part is not None:
            yield from _parts(part)
