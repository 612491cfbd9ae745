"""Which samples of a data set have a label: all, some or none."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .lists import composed, read_names

UNLABELLED = -100  # class of a sample without a label; torch's cross entropy leaves it out

Labels = str | float | Sequence[str]


def check_labels(labels: Labels) -> None:
    """Refuses what :func:`labelled_samples` does not know.

    Raises:
        ValueError: it is no word, share, file or list of names.
    """
    if isinstance(labels, bool) or isinstance(labels, (int, float)) and not 0 <= labels <= 1:
        raise ValueError(f'labels={labels}: a share is from 0 to 1')
    if isinstance(labels, str) and labels not in ('all', 'some', 'none') and not (
            Path(labels).is_file()):
        raise ValueError(f"labels='{labels}': choose 'all', 'some' (those that there are) or "
                         "'none', a share such as 0.1, or a list of names or its file")
    if not isinstance(labels, (str, int, float, Sequence)):
        raise ValueError(f'labels={labels!r}: give a word, a share, or a list of names')


def all_labelled(labels: Labels) -> bool:
    """Whether every sample is to have a label."""
    return labels == 'all' or labels == 1


def none_labelled(labels: Labels) -> bool:
    """Whether labels are not looked at."""
    return labels == 'none' or labels == 0


def labelled_samples(labels: Labels, names: Sequence[str], present: Sequence[bool], seed: int,
                     whole: Sequence[str] = ()) -> list[bool]:
    """Of each sample whether its label counts.

    Args:
        labels: 'all', 'some' (those whose label there is), 'none'; a share of the samples, chosen
            by a seed, of which a smaller one is a part; or names, or a file with one a line.
        names: of the samples.
        present: whether each has a label.
        seed: of the choice of a share.
        whole: names of the samples of which these are a part, such as ``subset='fit'``; a list of
            names is of all of them.

    Raises:
        ValueError: a label is missing of a sample that is to have one, or a name is of no sample.
    """
    if none_labelled(labels):
        return [False] * len(names)
    if labels == 'some':
        chosen = list(present)
    elif labels == 'all':
        chosen = [True] * len(names)
    elif isinstance(labels, (int, float)):
        first = np.random.RandomState(seed).permutation(len(names))[:round(labels * len(names))]
        places = set(first.tolist())
        chosen = [i in places for i in range(len(names))]
    else:
        listed = read_names(Path(labels), 'name') if isinstance(labels, str) else labels
        wanted_names = set(map(composed, listed))
        _refuse(wanted_names - set(map(composed, whole or names)),
                'labels names {}, which no sample has: {}. Correct the list')
        chosen = [composed(name) in wanted_names for name in names]
    _refuse({name for name, wanted, there in zip(names, chosen, present, strict=True)
             if wanted and not there}, '{} without a label, of which labels={} says that they have '
            "one: {}. Add the labels, or take those that there are with labels='some'", labels)
    if not any(chosen):
        raise ValueError(f"labels={labels!r} leaves no sample with a label: labels='none' says so")
    return chosen


def _refuse(names: set[str], message: str, *details: object) -> None:
    if names:
        count = f'{len(names)} sample{"s" if len(names) > 1 else ""}'
        shown = ', '.join(sorted(names)[:10]) + (', ...' if len(names) > 10 else '')
        raise ValueError(message.format(count, *details, shown))


def has_label(info: Mapping) -> bool:
    """Whether a sample of a data set has a label."""
    return info.get('seg_map_path', '') is not None and info.get('gt_label', 0) >= 0
