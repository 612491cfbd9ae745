"""Data sets of images and texts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmfkd.registry import DATASETS

from .labelled import Labels
from .lists import ListFormat, below
from .pairs import PairDataset
from .subset import Group

# Eight raw labels to FDKD's five; an inference, as the paper names the five alone.
FIVE_CLASSES = dict(
    affected_individuals='affected_individuals',
    injured_or_dead_people='affected_individuals',
    missing_or_found_people='affected_individuals',
    infrastructure_and_utility_damage='infrastructure_and_utility_damage',
    vehicle_damage='infrastructure_and_utility_damage',
    not_humanitarian='not_humanitarian',
    other_relevant_information='other_relevant_information',
    rescue_volunteering_or_donation_effort='rescue_volunteering_or_donation_effort')


@DATASETS.register_module()
class CrisisMMDDataset(PairDataset):
    """CrisisMMD v2.0: tweets and their images after disasters (Alam et al., 2018).

    The humanitarian task with the labels on which text and image agree: 6,126, 998 and 955 pairs.
    Layout as distributed: ``data_image/...`` and the lists
    ``task_humanitarian_text_img_agreed_lab_{train,dev,test}.tsv`` beside it.

    Args:
        label_map: raw label to class; raw labels that it lacks are no classes.
        Others: see :class:`PairDataset`.
    """

    METAINFO = dict(classes=('affected_individuals', 'infrastructure_and_utility_damage',
                             'not_humanitarian', 'other_relevant_information',
                             'rescue_volunteering_or_donation_effort'))
    LISTS = {split: f'task_humanitarian_text_img_agreed_lab_{name}.tsv'
             for split, name in (('train', 'train'), ('val', 'dev'), ('test', 'test'))}
    LIST = ListFormat(dict(image_id=str, tweet_text=str, image=below, label=str), '\t', named=True)
    MODALITIES = ('image', 'text')

    def __init__(self, data_root: str, split: str = 'train',
                 label_map: Mapping[str, str] = FIVE_CLASSES,
                 modalities: Sequence[str] | None = None, ann_file: str = '',
                 subset: str | None = None, val_fraction: float = 0.1, split_seed: int = 0,
                 group: Group | None = None, labels: Labels = 'all', missing: str = 'raise',
                 metainfo: dict | None = None, pipeline: Sequence = (),
                 test_mode: bool = False, indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False, serialize_data: bool = True) -> None:
        self._label_map = dict(label_map)
        super().__init__(
            data_root=data_root, split=split, modalities=modalities, ann_file=ann_file,
            subset=subset, val_fraction=val_fraction, split_seed=split_seed, group=group,
            labels=labels, missing=missing, metainfo=metainfo, pipeline=pipeline,
            test_mode=test_mode, indices=indices, lazy_init=lazy_init,
            serialize_data=serialize_data)

    def samples(self, path: Path) -> Iterator[dict]:
        """See :class:`PairDataset`."""
        for row in self.LIST.read(path):
            yield dict(
                label=self._label_map.get(row['label'], row['label']), name=row['image_id'],
                modalities=dict(image=dict(path=str(Path(self.data_root, row['image']))),
                                text=row['tweet_text']))
