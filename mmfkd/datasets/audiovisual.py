"""Audio-visual data sets, over their layouts as distributed and what mmfkd prepare adds."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmfkd.registry import DATASETS

from .labelled import Labels
from .lists import ListFormat, below, number, with_classes
from .pairs import PairDataset
from .subset import Group


@DATASETS.register_module()
class CREMADDataset(PairDataset):
    """CREMA-D: 7,442 spoken sentences in six emotions (Cao et al., 2014).

    Layout: ``AudioWAV/<clip>.wav`` as distributed, ``frames/<clip>/<second>.jpg`` of
    ``mmfkd prepare cremad``, lists ``train.csv`` and ``test.csv`` with lines ``clip,label``:
    6,698 and 744 in the split that FDKD's line of work uses, where every actor is in both. There
    is no val split: hold one out with ``subset``, which no actor then shares with the rest, as
    long as ``group`` says nothing else. A clip is named ``1001_DFA_ANG_XX``, by its actor first.
    """

    METAINFO = dict(classes=('NEU', 'HAP', 'SAD', 'FEA', 'DIS', 'ANG'))
    LISTS = dict(train='train.csv', test='test.csv')
    LIST = ListFormat(dict(clip=below, label=str))
    MODALITIES = ('audio', 'visual')

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        root = Path(self.data_root)
        for row in self.LIST.read(path):
            clip = row['clip']
            yield dict(label=row['label'], name=clip, modalities=dict(
                audio=dict(path=str(root / 'AudioWAV' / f'{clip}.wav')),
                visual=dict(folder=str(root / 'frames' / clip))))

    def groups(self, samples: Sequence[dict], names: Sequence[str]) -> list[str] | None:
        """Actors, or what ``group`` says."""
        if self.group is None:
            return [name.partition('_')[0] for name in names]
        return super().groups(samples, names)


@DATASETS.register_module()
class AVEDataset(PairDataset):
    """AVE: 4,143 videos of 28 audio-visual events (Tian et al., 2018).

    Layout: ``audio/<id>.wav`` and ``frames/<id>/<second>.jpg`` of ``mmfkd prepare ave``; lists
    ``trainSet.txt``, ``valSet.txt`` and ``testSet.txt`` as distributed, with lines
    ``class&id&quality&start&end``. A sample is the part of its video in which the event is, from
    second ``start`` to ``end``. Of the lines of one id the first counts, as FDKD's line of work
    drops the others: 3,312, 401 and 402 are left. Classes are in the order of ``testSet.txt``.
    """

    METAINFO = dict(classes=(
        'Church bell', 'Male speech, man speaking', 'Bark', 'Fixed-wing aircraft, airplane',
        'Race car, auto racing', 'Female speech, woman speaking', 'Helicopter',
        'Violin, fiddle', 'Flute', 'Ukulele', 'Frying (food)', 'Truck', 'Shofar', 'Motorcycle',
        'Acoustic guitar', 'Train horn', 'Clock', 'Banjo', 'Goat', 'Baby cry, infant cry', 'Bus',
        'Chainsaw', 'Cat', 'Horse', 'Toilet flush', 'Rodents, rats, mice', 'Accordion',
        'Mandolin'))
    LISTS = dict(train='trainSet.txt', val='valSet.txt', test='testSet.txt')
    LIST = ListFormat({'class': str, 'id': below, 'quality': str, 'start': number, 'end': number},
                      '&', header=('Category', 'VideoID', 'Quality', 'StartTime', 'EndTime'))
    MODALITIES = ('audio', 'visual')

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        root, seen = Path(self.data_root), set()
        for row in self.LIST.read(path):
            clip, start = row['id'], row['start']
            if clip not in seen:
                seen.add(clip)
                # One line, of a church bell, is an event from 0 to 0.
                span = dict(start=float(start), end=float(max(row['end'], start + 1)))
                yield dict(label=row['class'], name=clip, modalities=dict(
                    audio=dict(path=str(root / 'audio' / f'{clip}.wav'), **span),
                    visual=dict(folder=str(root / 'frames' / clip), **span)))


@DATASETS.register_module()
class VGGSoundDataset(PairDataset):
    """VGGSound: ten-second clips of sounds and what makes them (Chen et al., 2020).

    Layout: ``audio/<id>_<start>.wav`` and ``frames/<id>_<start>/<second>.jpg`` of
    ``mmfkd prepare vggsound``, the start with six digits; lists ``train_tiny.csv`` and
    ``test_tiny.csv`` with lines ``id,start,class,split``. FDKD's 50 classes are not named; those
    here are the list's. There is no val split: hold one out with ``subset``.

    Args:
        classes_from: the list whose classes count, in the order of their first lines.
        metainfo: ``dict(classes=...)`` names them instead; other lines are then left out.
        Others: see :class:`PairDataset`.
    """

    LISTS = dict(train='train_tiny.csv', test='test_tiny.csv')
    LIST = ListFormat({'id': below, 'start': int, 'class': str, 'split': str})
    MODALITIES = ('audio', 'visual')

    def __init__(self, data_root: str, split: str = 'train',
                 modalities: Sequence[str] | None = None, ann_file: str = '',
                 classes_from: str = 'train_tiny.csv', subset: str | None = None,
                 val_fraction: float = 0.1, split_seed: int = 0, group: Group | None = None,
                 labels: Labels = 'all', missing: str = 'raise',
                 metainfo: dict | None = None, pipeline: Sequence = (), test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False,
                 serialize_data: bool = True) -> None:
        metainfo = with_classes(metainfo)
        self._only = set((metainfo or {}).get('classes') or ())
        if not self._only:
            path = Path(data_root, classes_from)
            if not path.is_file():
                raise FileNotFoundError(f'{path} does not exist; it says what the classes are. '
                                        "Or name them: metainfo=dict(classes=('...', '...'))")
            names = dict.fromkeys(row['class'] for row in self.LIST.read(path))
            metainfo = dict(metainfo or {}, classes=tuple(names))
        super().__init__(
            data_root=data_root, split=split, modalities=modalities, ann_file=ann_file,
            subset=subset, val_fraction=val_fraction, split_seed=split_seed, group=group,
            labels=labels, missing=missing, metainfo=metainfo, pipeline=pipeline,
            test_mode=test_mode, indices=indices, lazy_init=lazy_init,
            serialize_data=serialize_data)

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        root = Path(self.data_root)
        for row in self.LIST.read(path):
            if self._only and row['class'] not in self._only:
                continue
            clip = f'{row["id"]}_{row["start"]:06d}'
            yield dict(label=row['class'], name=clip, modalities=dict(
                audio=dict(path=str(root / 'audio' / f'{clip}.wav')),
                visual=dict(folder=str(root / 'frames' / clip))))


@DATASETS.register_module()
class AVDigitsDataset(PairDataset):
    """Spoken and written digits: Free Spoken Digit Dataset with MNIST images of the same class.

    Layout: ``train.csv`` and ``test.csv`` with a header and lines ``audio,image,label``, whose
    files are relative to ``data_root``; sound is 8 kHz mono of about 0.4 s and named
    ``<digit>_<speaker>_<recording>.wav``, images are 28 x 28. Recordings 0 to 4 are test.

    Args:
        recordings: the first recording that counts and the one after the last, 60 samples each;
            a way to hold out a part of train, and to make train small.
        Others: see :class:`PairDataset`.
    """

    METAINFO = dict(classes=tuple('0123456789'))
    LISTS = dict(train='train.csv', test='test.csv')
    LIST = ListFormat(dict(audio=below, image=below, label=str), named=True)
    MODALITIES = ('audio', 'visual')

    def __init__(self, data_root: str, split: str = 'train',
                 recordings: tuple[int, int] = (0, 50),
                 modalities: Sequence[str] | None = None, ann_file: str = '',
                 subset: str | None = None, val_fraction: float = 0.1, split_seed: int = 0,
                 group: Group | None = None, labels: Labels = 'all', missing: str = 'raise',
                 metainfo: dict | None = None, pipeline: Sequence = (),
                 test_mode: bool = False, indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False, serialize_data: bool = True) -> None:
        self._recordings = range(*recordings)
        super().__init__(
            data_root=data_root, split=split, modalities=modalities, ann_file=ann_file,
            subset=subset, val_fraction=val_fraction, split_seed=split_seed, group=group,
            labels=labels, missing=missing, metainfo=metainfo, pipeline=pipeline,
            test_mode=test_mode, indices=indices, lazy_init=lazy_init,
            serialize_data=serialize_data)

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        root = Path(self.data_root)
        for row in self.LIST.read(path):
            if int(Path(row['audio']).stem.split('_')[-1]) in self._recordings:
                yield dict(label=row['label'], name=row['audio'], modalities=dict(
                    audio=dict(path=str(root / row['audio'])),
                    visual=dict(path=str(root / row['image']))))
