"""Segmentation data sets of registered images of several modalities."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mmseg.datasets import BaseSegDataset

from mmfkd.registry import DATASETS

from .idle_steps import tell_idle_steps
from .image_files import by_stem, check_partners, check_strays, default_loader, list_files
from .labelled import Labels, all_labelled, check_labels, labelled_samples, none_labelled
from .lists import composed, read_names, with_classes
from .palettes import with_palette
from .reads import without_unread
from .subset import Group, check_subset, groups_of, select_subset
from .transforms.labels import IGNORED


@DATASETS.register_module()
class RGBXDataset(BaseSegDataset):
    """mmseg's data set with any number of modalities, each a folder of files of the same stems.

    A modality is ``dict(folder, suffix, channels, loader, scale, range)``: ``folder`` is relative
    to ``data_root`` and may contain ``{split}``, and ``*`` for several folders; ``suffix`` may be
    several, of which a stem has one;
    ``loader`` is the config of a transform that reads ``img_path`` into ``img``, by default
    :class:`LoadArray` for NumPy's files, and for TIFF unless it has 3 channels, else 8-bit colour
    for 3 channels and the file's own values as float32 for any other number. Values are multiplied
    by ``scale`` and refused beyond ``range``, (lowest, highest); both are optional. Pillow decodes
    because it refuses truncated files. Subclasses with another layout override :meth:`find_files`,
    those whose label files have other numbers than the classes give ``RAW_LABELS``.

    Args:
        data_root: folder of the data set.
        split: fills ``{split}`` in the folders.
        modalities: names to take from the class's ``MODALITIES``, all of them by default; or a
            dict of name to modality, in which None leaves one out: a test set may have the
            deployed modality alone. The first is the one that is displayed. Without names a run
            reads the files that its branches take, see :class:`mmfkd.engine.ReadsHook`.
        label: folder and suffix of the label maps, see :class:`LoadCheckedAnnotations`.
        pipeline: transforms; starts with ``LoadModalities`` and ``LoadCheckedAnnotations``.
        subset: 'fit' or 'val' to take a part of the split: a seeded share that is held out to
            select on, and the rest. None takes all.
        val_fraction: share of the split that is 'val'.
        split_seed: seed of that choice; the choice depends on nothing else but the file names.
        group: says which samples belong together, such as those of one place, by their stems; see
            :func:`mmfkd.datasets.subset.groups_of`. No group is then in 'fit' and in 'val'.
        labels: 'all'; 'some' for those whose label file there is; 'none'; a share, such as 0.1,
            chosen by ``split_seed``; or stems, or a file of them. The pixels of the others are all
            ignored: they give no loss of the task, and count in no metric.
        ann_file: file of stems, one a line, in place of the folder's content.
        metainfo: see mmseg; ``classes`` may be a file, ``palette`` is that of label maps too.
        test_mode: see mmseg.
        indices: see mmseg.
        lazy_init: see mmseg.
        serialize_data: see mmseg.
        ignore_index: label in files of pixels that do not count; they are loaded as 255.
        reduce_zero_label: see mmseg; by default the class's ``REDUCE_ZERO_LABEL``.

    Raises:
        FileNotFoundError: a folder or the list is missing.
        ValueError: an unknown modality or subset, a ``val_fraction`` outside (0, 1), an empty
            folder or list, files that do not pair up.

    Example:
        >>> RGBXDataset(data_root='data/mine', split='train', modalities=dict(
        ...     rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
        ...     thermal=dict(folder='{split}/ir', suffix='.png', channels=1)),
        ...     metainfo=dict(classes=('road', 'car')), pipeline=[...])
    """

    MODALITIES: dict[str, dict] = {}
    LABEL = dict(folder='{split}/label', suffix='.png')
    RAW_LABELS: dict[int, int] = {}  # value in a label file -> class, where they differ
    REDUCE_ZERO_LABEL = False

    def __init__(self, data_root: str, split: str = 'train',
                 modalities: Sequence[str] | Mapping[str, dict] | None = None,
                 label: dict | None = None, pipeline: Sequence = (), subset: str | None = None,
                 val_fraction: float = 0.1, split_seed: int = 0, group: Group | None = None,
                 labels: Labels = 'all', ann_file: str = '',
                 metainfo: dict | None = None, test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False,
                 serialize_data: bool = True, ignore_index: int = 255,
                 reduce_zero_label: bool | None = None) -> None:
        check_subset(subset, val_fraction)
        check_labels(labels)
        if not 0 <= ignore_index <= 255:
            raise ValueError(f'ignore_index={ignore_index}: labels are 8 bit, name 0 to 255')
        self.split = split
        self.modalities = self._choose(modalities)
        self.chosen = modalities is not None and not isinstance(modalities, Mapping)
        self.reads: Collection[str] | None = None
        self.label = {**self.LABEL, **(label or {})}
        unknown = set(self.label) - {'folder', 'suffix'}
        if unknown:
            raise ValueError(f'label: {sorted(unknown)} unknown; it is dict(folder, suffix)')
        self.subset = subset
        self.val_fraction = val_fraction
        self.split_seed = split_seed
        self.group = group
        self.labels = labels
        self._palette = {**self.METAINFO, **(metainfo or {})}.get('palette')  # of label files
        folders = {name: spec['folder'] for name, spec in self.modalities.items()}
        folders['seg_map_path'] = self.label['folder']
        super().__init__(
            ann_file=ann_file, metainfo=with_palette(with_classes(metainfo), self.METAINFO),
            data_root=data_root, data_prefix={key: folder.replace('{split}', split)
                                              for key, folder in folders.items()},
            indices=indices, serialize_data=serialize_data, pipeline=list(pipeline),
            test_mode=test_mode, lazy_init=lazy_init, ignore_index=ignore_index,
            reduce_zero_label=(self.REDUCE_ZERO_LABEL if reduce_zero_label is None
                               else reduce_zero_label))
        tell_idle_steps(self.pipeline.transforms, dict.fromkeys((
            *self.modalities, *self.MODALITIES)))

    def _choose(self, modalities: Sequence[str] | Mapping[str, dict] | None) -> dict[str, dict]:
        if isinstance(modalities, Mapping):
            chosen = {name: dict(spec) for name, spec in modalities.items() if spec is not None}
        else:
            names = tuple(modalities or self.MODALITIES)
            unknown = [name for name in names if name not in self.MODALITIES]
            if unknown:
                raise ValueError(f'{type(self).__name__}: unknown modality {unknown}; known are '
                                 f'{list(self.MODALITIES)}, or give a dict with folder, suffix, '
                                 'channels and loader')
            chosen = {name: dict(self.MODALITIES[name]) for name in names}
        if not chosen:
            raise ValueError(f'{type(self).__name__}: modalities is empty')
        for name, spec in chosen.items():
            missing = {'folder', 'suffix', 'channels'} - set(spec)
            strange = set(spec) - {'folder', 'suffix', 'channels', 'loader', 'scale', 'range'}
            if missing or strange:
                raise ValueError(f'modalities.{name}: {sorted(missing)} missing, '
                                 f'{sorted(strange)} unknown; it is dict(folder, suffix, channels, '
                                 'loader, scale, range), the last three optional')
            spec.setdefault('loader', default_loader(spec))
        return chosen

    def get_data_info(self, idx: int) -> dict:
        """One sample, with the modalities that are read."""
        return without_unread(super().get_data_info(idx), self.reads)

    def load_data_list(self) -> list[dict]:
        """One dict per stem, with a path per modality."""
        classes = self.metainfo.get('classes') or ()
        if not classes:
            raise ValueError(f'{type(self).__name__} has no classes: give it '
                             "metainfo=dict(classes=('road', 'car'))")
        num_classes = len(self.METAINFO.get('classes') or classes)
        if num_classes > IGNORED:
            raise ValueError(f'{type(self).__name__} has {num_classes} classes, and labels are 8 '
                             f'bit with {IGNORED} for no label: join classes until {IGNORED} are '
                             'left')
        folders = {name: (self.data_prefix[name], spec['suffix'])
                   for name, spec in self.modalities.items()}
        files = {name: self._files_of(name, *place) for name, place in folders.items()}
        label_files = self._label_files()
        if self.labels == 'some':
            check_strays(label_files, set().union(*files.values()))
        if all_labelled(self.labels):
            folders['label'] = (self.data_prefix['seg_map_path'], self.label['suffix'])
            files['label'] = label_files
        paired = self._paired_stems(folders, files)
        places = select_subset(paired, self.subset, self.val_fraction, self.split_seed,
                               groups_of(paired, self.group))
        stems = [paired[i] for i in places]
        labelled = labelled_samples(self.labels, stems, [stem in label_files for stem in stems],
                                    self.split_seed, paired)
        label_map = self._full_label_map()
        infos = []
        for stem, has_label in zip(stems, labelled, strict=True):
            paths = {name: str(files[name][stem]) for name in self.modalities}
            infos.append(dict(
                stem=stem, img_path=next(iter(paths.values())), seg_fields=[],
                seg_map_path=str(label_files[stem]) if has_label else None,
                modalities={name: dict(self.modalities[name], path=path)
                            for name, path in paths.items()},
                label_map=label_map, reduce_zero_label=self.reduce_zero_label,
                palette=self._palette,
                num_classes=num_classes, ignore_index=self.ignore_index))
        return infos

    def _label_files(self) -> dict[str, Path]:
        if none_labelled(self.labels):
            return {}
        return self._files_of('label', self.data_prefix['seg_map_path'], self.label['suffix'])

    def find_files(self, folder: str) -> list[tuple[str, Path]]:
        """Name and path of all files of one kind; a name without its suffix is a stem.

        Raises:
            FileNotFoundError: no such folder.
        """
        return list_files(Path(folder))

    def listed(self, what: str) -> list[str]:
        """Lines of ``<split>.txt`` in ``data_root``, each the name of a ``what``.

        Raises:
            FileNotFoundError: there is no such list.
        """
        path = Path(self.data_root, f'{self.split}.txt')
        if not path.is_file():
            raise FileNotFoundError(f'{path} does not exist: set split to the name of a list of '
                                    f'{what}s, or data_root to the folder of the lists')
        return read_names(path, what)

    def wanted_stems(self, files: Mapping[str, Mapping[str, Path]]) -> set[str]:
        """Stems of which every kind of file is needed: all there are.

        Args:
            files: of each modality, and of 'label' where every sample is to have one.
        """
        return set().union(*files.values())

    def _files_of(self, name: str, folder: str, suffix: str | Sequence[str]) -> dict[str, Path]:
        try:
            return by_stem(self.find_files(folder), folder, suffix)
        except FileNotFoundError as error:
            if name == 'label':
                raise FileNotFoundError(
                    f"{error} Without labels there is nothing to score: mmfkd predict predicts "
                    "files, and labels='none' of the data set trains without them.") from None
            if name == 'fused':
                raise FileNotFoundError(f'{error} Fused images are written by mmfkd fuse, with a '
                                        'trained network cddfuse/DATASET_A-B.') from None
            way = 'modalities=[...] without it' if self.MODALITIES else f'modalities.{name}=None'
            raise FileNotFoundError(
                f'{error} Or leave the modality out, if the network that is trained or tested does '
                f'not need it: {way} of the data set.') from None

    def _full_label_map(self) -> dict[int, int] | None:
        """Maps values in files to classes, by mmseg's choice of classes and ``RAW_LABELS``."""
        chosen = self.label_map or {}
        raw = {value: chosen.get(label, label) for value, label in self.RAW_LABELS.items()}
        return {**chosen, **raw} or None

    def _paired_stems(self, folders: Mapping[str, tuple[str, str | Sequence[str]]],
                      files: Mapping[str, Mapping[str, Path]]) -> list[str]:
        if self.ann_file:
            if not Path(self.ann_file).is_file():
                raise FileNotFoundError(f'ann_file {self.ann_file} does not exist')
            wanted = set(map(composed, read_names(Path(self.ann_file), 'stem')))
        else:
            wanted = self.wanted_stems(files)
        check_partners(wanted, folders, files)
        return sorted(wanted)
