"""Sentences about the measurements of a pair, and suggestions of methods."""

from dataclasses import dataclass
from math import inf

from .findings import Findings, Share

STRONG, WEAK = 5.0, 0.1  # gradients beyond these shares of the task's drown it, or do nothing
NEAR = 1.0  # points of a score that say nothing, however many samples there are


@dataclass(frozen=True)
class Suggestion:
    """A method that is worth a run.

    Attributes:
        method: its name, with a preset where the default weight does not fit.
        why: a sentence.
    """

    method: str
    why: str


def sentences(found: Findings) -> list[str]:
    """The findings in words."""
    pair, gap = found.pair, found.teacher - found.student
    chance = noise(found)
    lines = [f'On validation {pair.teacher} has {found.teacher:.1f} and {pair.student} alone '
             f'{found.student:.1f}: a gap of {gap:+.1f} points, on {found.samples} samples.']
    if gap < chance:
        equal = ('They are about equal, as one sample tells no gap from chance'
                 if chance == inf else
                 f'They are about equal, as gaps of less than {chance:.1f} points may be chance')
        lines.append(
            f'{equal if gap > -chance else "The teacher is worse than what it is to teach"}: do '
            f'not count on a gain, and look at {pair.dataset}_{pair.student}2{pair.teacher}, the '
            f'other direction, or teach samples of {pair.student} that have no label, with the '
            'method transfer.')
    wrong = found.agreement.teacher + found.agreement.neither
    saved = found.agreement.teacher / wrong if wrong else 0.0
    lines.append(f'Of what {pair.student} alone gets wrong, the teacher gets {saved:.0%} right; of '
                 f'what it gets right, the teacher gets {lost(found):.0%} wrong.')
    feat = found.cka.get('feat')
    if feat:
        more = 'more' if feat['low'] > feat['high'] else 'no more'
        lines.append(f'The features of both are alike by {feat["raw"]:.2f} of 1 (CKA); their low '
                     f'frequencies ({feat["low"]:.2f}) are {more} alike than their high ones '
                     f'({feat["high"]:.2f}).')
    lines += [f'{share.method}: {pull(share)}' for share in found.shares
              if not WEAK <= share.ratio <= STRONG]
    lines += [f'{method}: {why}' for method, why in found.missing.items()]
    return lines


def noise(found: Findings) -> float:
    """Points of a gap that may be chance: two standard errors over the samples, or ``NEAR``."""
    spread = found.agreement.spread
    return inf if spread is None else max(NEAR, 200 * spread / found.samples ** 0.5)


def lost(found: Findings) -> float:
    """Share of what the student gets right that the teacher gets wrong."""
    right = found.agreement.both + found.agreement.student
    return found.agreement.student / right if right else 0.0


def pull(share: Share) -> str:
    """How hard a loss pulls, in words."""
    if share.ratio > STRONG:
        return (f'at its default weight {share.loss} has {share.ratio:.3g} times the gradient of '
                f'the task and would drown it; take {share.method}-balanced.')
    return (f'at its default weight {share.loss} has {share.ratio:.2g} of the gradient of the task '
            f'and would do next to nothing; take {share.method}-balanced.')


def suggestions(found: Findings) -> list[Suggestion]:
    """The methods that are worth a run, the first first."""
    ratios = {share.method: share.ratio for share in found.shares}
    chosen: list[Suggestion] = []
    if found.teacher - found.student < NEAR:
        chosen.append(Suggestion('transfer', 'the teacher is hardly better where there are labels, '
                                             'but may be where there are none'))

    def add(method: str, why: str) -> None:
        if method in ratios:
            fits = WEAK <= ratios[method] <= STRONG
            chosen.append(Suggestion(method if fits else f'{method}-balanced', why))

    if 'recommended' in ratios:
        chosen.append(Suggestion('recommended', 'soft targets and features together, balanced'))
    add('kd', 'soft targets alone: the simplest thing that may work')
    feat = found.cka.get('feat')
    if feat and feat['low'] > feat['high'] + 0.02:
        add('fdkd', 'the low frequencies of the features are shared more than the high ones')
    elif feat:
        add('pkd', 'the features are to correlate, whatever their frequencies')
    if found.classes > 2 and 'dist' in ratios:
        add('dist', f'{found.classes} classes have relations that it carries over')
    return chosen
