"""Classification data sets of samples that have one file, or one text, per modality."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from .idle_steps import refuse_bare_steps, tell_idle_steps
from .labelled import UNLABELLED, Labels, all_labelled, check_labels, labelled_samples
from .lists import missing_data, with_classes
from .reads import without_unread
from .subset import Group, check_subset, groups_of, select_subset
from .transforms.images import FRAME_SUFFIXES


class PairDataset(BaseDataset):
    """Base of the data sets that a list of samples and labels describes.

    A subclass says where the list of a split is (``LISTS``), which modalities there are
    (``MODALITIES``) and what a line of the list stands for (:meth:`samples`).

    Args:
        data_root: folder of the data set.
        split: a key of ``LISTS``.
        modalities: names that are loaded; by default all, of which a run reads the files that its
            branches take, see :class:`mmfkd.engine.ReadsHook`.
        ann_file: another list in place of the split's, relative to ``data_root``.
        subset: 'fit' or 'val' to take a part of the split: a seeded share that is held out to
            select on, and the rest. None takes all.
        val_fraction: share of the split that is 'val'.
        split_seed: seed of that choice.
        group: says which samples belong together, such as those of one speaker, by their names;
            see :func:`mmfkd.datasets.subset.groups_of`. No group is then in 'fit' and in 'val'.
        labels: 'all'; 'some' for those that have one in the list; 'none'; a share, such as 0.1,
            chosen by ``split_seed``; or names, or a file of them. The others have the label -100,
            and give no loss of the task; in ``test_mode`` they are left out where some have one.
        missing: 'raise' at samples that cannot be used (a missing file, no frames, an empty text,
            a label that is no class), or 'skip' them and log how many there were; the parts of
            ``subset`` are drawn before.
        metainfo: ``dict(classes=...)`` replaces the classes; texts, or a file with one a line.
        pipeline: transforms; starts with loaders, ends with ``PackPairs``.
        test_mode: see mmengine.
        indices: see mmengine.
        lazy_init: see mmengine.
        serialize_data: see mmengine.

    Raises:
        FileNotFoundError: the list is missing, or files that it names; all are counted and the
            first ten listed.
        ValueError: an unknown split, subset, modality or label, an empty text or list; a step that
            sees no image, see :func:`refuse_bare_steps`.
    """

    LISTS: dict[str, str] = {}
    MODALITIES: tuple[str, ...] = ()

    def __init__(self, data_root: str, split: str = 'train',
                 modalities: Sequence[str] | None = None, ann_file: str = '',
                 subset: str | None = None, val_fraction: float = 0.1, split_seed: int = 0,
                 group: Group | None = None, labels: Labels = 'all',
                 missing: str = 'raise', metainfo: dict | None = None,
                 pipeline: Sequence[dict | Callable] = (), test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False,
                 serialize_data: bool = True) -> None:
        check_subset(subset, val_fraction)
        check_labels(labels)
        if missing not in ('raise', 'skip'):
            raise ValueError(f"missing='{missing}': choose 'raise' or 'skip'")
        if not ann_file and split not in self.LISTS:
            raise ValueError(f"split='{split}': {type(self).__name__} has {list(self.LISTS)}")
        self.modalities = tuple(modalities or self.MODALITIES)
        unknown = [name for name in self.modalities if name not in self.MODALITIES]
        if unknown:
            raise ValueError(f'{type(self).__name__}: unknown modality {unknown}; known are '
                             f'{list(self.MODALITIES)}')
        self.chosen = modalities is not None
        self.reads: Collection[str] | None = None
        self.subset = subset
        self.val_fraction = val_fraction
        self.split_seed = split_seed
        self.group = group
        self.labels = labels
        self.missing = missing
        super().__init__(ann_file=ann_file or self.LISTS[split], data_root=data_root,
                         metainfo=with_classes(metainfo), indices=indices,
                         serialize_data=serialize_data, pipeline=list(pipeline),
                         test_mode=test_mode, lazy_init=lazy_init)
        refuse_bare_steps(self.pipeline.transforms)
        tell_idle_steps(self.pipeline.transforms, dict.fromkeys((
            *self.modalities, *self.MODALITIES)))

    @abstractmethod
    def samples(self, path: Path) -> Iterator[dict]:
        """Lines of a list as ``dict(label=name, modalities={name: spec or text})``.

        Without a label, where not all samples have one, it is None or ''. There may be a ``name``,
        which is else that of the first file, and a ``group``.

        A modality is given in one of three forms: a text, ``dict(path=FILE)``, or
        ``dict(folder=FOLDER)`` with the frames of a clip; the dicts may have ``start`` and
        ``end``, in seconds.
        """

    def load_data_list(self) -> list[dict]:
        """One dict per sample, with its modalities and ``gt_label``."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise FileNotFoundError(missing_data(path))
        samples = [self._chosen(sample) for sample in self.samples(path)]
        if not samples:
            raise ValueError(f'{path} names no sample')
        usable = self._usable(samples, path)
        names = [display_name(sample) for sample in samples]
        # Of all lines, so that the parts do not depend on which of them can be used.
        part = select_subset(names, self.subset, self.val_fraction, self.split_seed,
                             self.groups(samples, names))
        places = [i for i in part if i in usable]
        if not places:
            raise ValueError(f"{path}: none of the {len(part)} samples of subset='{self.subset}' "
                             "can be used: get their files, or change split_seed")
        return self._infos([samples[i] for i in places], [names[i] for i in places],
                           [names[i] for i in sorted(usable)])

    def get_data_info(self, idx: int) -> dict:
        """One sample, with the modalities that are read."""
        return without_unread(super().get_data_info(idx), self.reads)

    def groups(self, samples: Sequence[dict], names: Sequence[str]) -> list[str] | None:
        """The group of each sample; None if there are none."""
        return groups_of(names, self.group)

    def _infos(self, samples: Sequence[dict], names: Sequence[str], whole: Sequence[str]
               ) -> list[dict]:
        present = [bool(sample['label']) for sample in samples]
        labelled = labelled_samples(self.labels, names, present, self.split_seed, whole)
        numbers = {name: i for i, name in enumerate(self.metainfo['classes'])}
        infos = [dict(modalities=sample['modalities'], img_path=first_file(sample) or name,
                      gt_label=numbers[sample['label']] if has_label else UNLABELLED)
                 for sample, name, has_label in zip(samples, names, labelled, strict=True)]
        if self.test_mode and 0 < sum(labelled) < len(infos):
            print_log(f'{len(infos) - sum(labelled)} of {len(infos)} samples have no label, and '
                      'are not evaluated', logger='current')
            infos = [info for info in infos if info['gt_label'] != UNLABELLED]
        return infos

    def _chosen(self, sample: dict) -> dict:
        if not all_labelled(self.labels):
            sample = dict(sample, label=sample.get('label'))
        lacking = {'label', 'modalities'} - set(sample) or [
            f'modalities.{name}' for name in self.modalities if name not in sample['modalities']]
        if lacking:
            raise ValueError(f'{type(self).__name__}.samples() gives no {", ".join(lacking)} in '
                             f'{sample}')
        if not isinstance(sample['label'], (str, type(None))):
            raise ValueError(f'{type(self).__name__}.samples() gives label {sample["label"]!r} in '
                             f'{sample}: give the name of its class, or None')
        for name in self.modalities:
            spec = sample['modalities'][name]
            if not isinstance(spec, str) and not (
                    isinstance(spec, dict) and ('path' in spec) != ('folder' in spec)):
                raise ValueError(
                    f"{type(self).__name__}.samples() gives modality '{name}' as {spec!r}. There "
                    "are three forms: a text, dict(path='...') of a file, and dict(folder='...') "
                    'of the frames of a clip')
        return dict(sample, modalities={name: sample['modalities'][name]
                                        for name in self.modalities})

    def _usable(self, samples: list[dict], path: Path) -> set[int]:
        """Places of the samples without a fault; faults of others are raised or counted."""
        classes = set(self.metainfo.get('classes') or ())
        usable: set[int] = set()
        absent, wrong = [], []
        for place, sample in enumerate(samples):
            files = [f for spec in sample['modalities'].values() if (f := missing_file(spec))]
            faults = content_faults(sample, classes, needs_label=all_labelled(self.labels))
            absent += files
            wrong += faults
            if not files and not faults:
                usable.add(place)
        if self.missing == 'skip' and usable:
            print_log(f'{path}: {len(samples) - len(usable)} of {len(samples)} samples are skipped '
                      f'({len(absent)} files missing, {len(wrong)} faults of text or label)',
                      logger='current')
            return usable
        cure = ("Get them, take them out of the list, or drop such samples with missing='skip' of "
                'the data set.')
        if absent:
            raise FileNotFoundError(f'{path} names {len(absent)} files that are missing or empty: '
                                    f'{listed(absent)}. {cure}')
        if any(not sample['label'] for sample in samples):
            cure += " Where only some samples have labels, say labels='some' of the data set."
        if wrong:
            raise ValueError(f'{path}: {len(wrong)} samples cannot be used: {listed(wrong)}. '
                             f'Classes are {sorted(classes)}. {cure}')
        return usable


def missing_file(spec: dict | str) -> str | None:
    """The file or folder of a modality if it is not there, or is empty."""
    if isinstance(spec, str):
        return None
    path = Path(spec.get('path') or spec['folder'])
    if path.is_dir():
        frames = any(file.suffix.lower() in FRAME_SUFFIXES for file in path.iterdir())
        return None if frames else str(path)
    return None if path.is_file() and path.stat().st_size else str(path)


def content_faults(sample: dict, classes: set[str], needs_label: bool) -> list[str]:
    """What is wrong with the label or the text of a sample."""
    name = display_name(sample)
    faults = [f'{name} has an empty text' for spec in sample['modalities'].values()
              if isinstance(spec, str) and not spec.strip()]
    if sample['label'] not in classes and (sample['label'] or needs_label):
        faults.append(f"{name} has label '{sample['label']}'")
    return faults


def display_name(sample: dict) -> str:
    """What a sample is called in logs and errors: its name, or its first file."""
    files = [spec.get('path') or spec['folder'] for spec in sample['modalities'].values()
             if isinstance(spec, dict)]
    return sample.get('name') or files[0]


def first_file(sample: dict) -> str | None:
    """What a plain loader of mmpretrain reads: the first of the modalities that is one file."""
    return next((spec['path'] for spec in sample['modalities'].values()
                 if isinstance(spec, dict) and 'path' in spec), None)


def listed(names: Sequence[str]) -> str:
    """The first ten."""
    return ', '.join(names[:10]) + (', ...' if len(names) > 10 else '')
