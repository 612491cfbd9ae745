"""Lists of samples, random splits and reports of prepared data."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mmfkd.datasets.lists import ListFormat
from mmfkd.whole_files import written_whole

from .clips import Clip, ClipError, ClipReport, prepare_clips

REPORT = 'prepare_report.json'
SHOWN = 10


class PrepareError(Exception):
    """Something the user can cure; the message says what is wrong and what to do."""


def seeded_split(names: Iterable[str], shares: Mapping[str, float],
                 seed: int) -> dict[str, list[str]]:
    """Divides names at random; the result depends on nothing but the names and the seed.

    Args:
        names: what is divided; a name that occurs twice counts once.
        shares: split to its share of the names; 'train' is the rest.
        seed: decides who goes where.

    Returns:
        dict[str, list[str]]: split to its names, sorted.

    Raises:
        PrepareError: a split would be empty.
    """
    names = sorted(set(names))
    total = len(names)
    random.Random(seed).shuffle(names)
    splits = {}
    for split, share in shares.items():
        count = round(share * total)
        splits[split], names = sorted(names[:count]), names[count:]
    splits = dict(train=sorted(names), **splits)
    if not all(splits.values()):
        raise PrepareError(f'{total} clips are too few to divide into {", ".join(splits)}: get '
                           'more, or the lists')
    return splits


def read_or_make_lists(root: Path, files: Mapping[str, str], form: ListFormat,
                       make: Callable[[], Mapping[str, list[dict]]]) -> dict[str, list[dict]]:
    """The lists of the splits, which are made and written first if present is none.

    Args:
        root: folder of the lists.
        files: split to the name of its list.
        form: of all lists.
        make: returns split to lines.

    Raises:
        PrepareError: only some of the lists are there.
        ListError: see :meth:`ListFormat.read`.
    """
    missing = [name for name in files.values() if not (root / name).is_file()]
    if missing and len(missing) < len(files):
        present = [name for name in files.values() if name not in missing]
        raise PrepareError(f'{root}: {", ".join(missing)} is missing beside {", ".join(present)}: '
                           'get it, or remove the others to have all of them made')
    if missing:
        for split, rows in make().items():
            with written_whole(root / files[split]) as temporary:
                with temporary.open('w', newline='', encoding='utf-8') as file:
                    form.write(file, rows)
        print(f'made the lists {", ".join(missing)} in {root}, as there were none; these splits '
              'are not those of the papers. They stay as they are until they are removed')
    return {split: form.read(root / name) for split, name in files.items()}


def prepare_splits(args: argparse.Namespace, splits: Mapping[str, Sequence[Clip]],
                   published: Mapping[str, int], source: str) -> int:
    """Extracts the clips of all splits, prints counts and writes a report.

    Args:
        args: options of :func:`list_parser`.
        splits: split to its samples.
        published: split to its number of samples in the paper.
        source: where the videos can be had.

    Returns:
        int: the exit code.
    """
    clips = list(dict.fromkeys(clip for samples in splits.values() for clip in samples))
    missing = {clip.video: str(ClipError(clip.video, 'there is no such file')) for clip in clips
               if not clip.done and not clip.video.is_file()}
    if missing and not args.skip_broken:
        report = ClipReport(0, sum(clip.done for clip in clips), missing)
    else:
        report = prepare_clips(clips, args.workers, partial(tqdm, unit='clip'))
    print(f'{report.made} clips made, {report.done_before} done before')
    ready = {split: [clip.done and clip.video not in report.skipped for clip in samples]
             for split, samples in splits.items()}
    summary = dict(made=report.made, done_before=report.done_before,
                   splits=count_samples(ready, published))
    cure = f'Get them again from {source}'
    if missing and not args.skip_broken:
        cure = f'Nothing was extracted, as {len(missing)} videos are missing. {cure}'
    return finish(args, summary, report.skipped, cure)


def count_samples(ready: Mapping[str, Sequence[bool]],
                  published: Mapping[str, int]) -> dict[str, dict[str, int | None]]:
    """Counts and prints the samples of each split: listed, ready to use, in the paper.

    Args:
        ready: split to whether each of its samples can be used.
        published: split to its number of samples in the paper, where that is known.
    """
    counts = {split: dict(listed=len(samples), ready=sum(samples), published=published.get(split))
              for split, samples in ready.items()}
    for split, count in counts.items():
        paper = '' if count['published'] is None else f' ({count["published"]} in the paper)'
        print(f'{split}: {count["ready"]} of {count["listed"]} samples ready{paper}')
    return counts


def finish(args: argparse.Namespace, summary: Mapping, skipped: Mapping[Path, str],
           cure: str) -> int:
    """Writes the report, lists what cannot be used and returns the exit code.

    Args:
        args: options of :func:`list_parser`.
        summary: counts for the report.
        skipped: file to a message that names it and says why it cannot be used.
        cure: what to do about them.
    """
    path = args.root / REPORT
    content = dict(summary, skipped={str(file): reason for file, reason in skipped.items()})
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + '\n')
    if not skipped:
        return 0
    shown = '\n'.join(f'  {reason}' for reason in list(skipped.values())[:SHOWN])
    print(f'{len(skipped)} files cannot be used:\n{shown}', file=sys.stderr)
    if len(skipped) > SHOWN:
        print(f'  ... all are in {path}', file=sys.stderr)
    if args.skip_broken:
        print("the data sets leave such samples out with missing='skip'", file=sys.stderr)
        return 0
    other = '' if args.skip_broken is None else ', or go on without them: --skip-broken'
    print(f'error: {cure}{other}', file=sys.stderr)
    return 1
