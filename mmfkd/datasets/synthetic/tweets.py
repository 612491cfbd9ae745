"""Rendered tweets, text and image, for tests and download-free training.

A tweet has one of CrisisMMD's five classes.

* The text speaks of people (affected, rescue), of the news (not humanitarian, other) or of damage,
  and most often of its class too.
* The image shows people (affected, not humanitarian), houses (damage, other) or supplies (rescue);
  which class of a group it is only the ripples on the ground tell, not reliably.

Either modality has misleading content. Some tweets, text and image alike, are of another class than
the label says: so the text says more about such an image than the label does, and what it teaches
is worth more.
"""

import string
from collections.abc import Sequence

import numpy as np

from .talking_heads import backdrop, check_label, dab, ellipse, expose, grid

CLASSES = ('affected_individuals', 'infrastructure_and_utility_damage', 'not_humanitarian',
           'other_relevant_information', 'rescue_volunteering_or_donation_effort')
EVENTS = ('hurricane_maria', 'hurricane_harvey', 'hurricane_irma', 'srilanka_floods',
          'mexico_earthquake', 'california_wildfires', 'iraq_iran_earthquake')
PEOPLE, NEWS, DAMAGE = range(3)
TOPICS = (PEOPLE, DAMAGE, NEWS, NEWS, PEOPLE)  # of the text, a class each
FIGURES, HOUSES, CRATES = range(3)
MOTIFS = (FIGURES, HOUSES, FIGURES, HOUSES, CRATES)  # of the image, a class each
RIPPLES = (0.5, 0.5, -0.5, -0.5, 0.0)
UNRELIABLE = 0.4  # standard deviation of the ripples, whose levels are 1 apart
MISLABELLED = 0.2  # share of tweets whose label is drawn at random

TOPIC_WORDS = tuple(words.split() for words in (
    'people families children residents victims neighbors survivors communities mother elderly '
    'village town',
    'watch live video story season president media twitter photo weekend today headlines',
    'destroyed collapsed bridge power roof buildings debris wreckage roads damage outage rubble'))
CLASS_WORDS = tuple(words.split() for words in (
    'displaced homeless stranded evacuated injured missing crying shelter',
    'grid airport cables pipeline concrete blackout flattened cracked',
    'funny party music movie birthday game selfie coffee',
    'forecast category landfall warning map magnitude track update',
    'donate volunteers rescue relief fundraiser supplies helping crew'))
FILLERS = ('the a of in to and for on with at from by is are was has have this that it we our they '
           'their after before during near more than about now still just over all so many what '
           'how here there when not one two new very').split()
USERS = 'newsdesk citywire dailypost weatherteam localvoice'.split()


def vocabulary() -> list[str]:
    """WordPiece vocabulary that holds every word of the texts, and spells any other in ASCII."""
    characters = string.ascii_lowercase + string.digits + string.punctuation
    words = [word for group in (*TOPIC_WORDS, *CLASS_WORDS) for word in group]
    tags = [event.replace('_', '') for event in EVENTS]
    pieces = [*characters, *(f'##{c}' for c in characters), 'rt', *FILLERS, *USERS, *words, *tags]
    # 'a' is a word too.
    return list(dict.fromkeys(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *pieces]))


def render_tweet(seed: int, label: int, size: Sequence[int] = (64, 64)) -> dict:
    """Renders the tweet that ``seed`` decides, of the class ``label``.

    Args:
        seed: Decides everything but the class.
        label: Index in `CLASSES`.
        size: Height and width of the image in pixels.

    Returns:
        ``text``: str, 6 to 30 words, ASCII. ``image``: uint8 (H, W, 3), BGR. ``event``: the one of
        `EVENTS` that the text names in a hashtag.

    Raises:
        ValueError: If ``label`` is no class.
    """
    check_label(label, len(CLASSES))
    rng = np.random.default_rng(seed)
    event = EVENTS[rng.integers(len(EVENTS))]
    shown = rng.integers(len(CLASSES)) if rng.random() < MISLABELLED else label
    ripples = rng.normal(RIPPLES[shown], UNRELIABLE)
    return dict(text=_write(rng, TOPICS[shown], shown, event),
                image=_draw(rng, MOTIFS[shown], ripples, size), event=event)


def _write(rng: np.random.Generator, topic: int, label: int | np.integer, event: str) -> str:
    """A tweet with words of ``topic``, mostly one of ``label``, and some of anything."""
    words = _some(rng, TOPIC_WORDS[topic], rng.integers(1, 4))
    words += _some(rng, CLASS_WORDS[label], rng.random() < 0.8)
    misleading = (*TOPIC_WORDS, *CLASS_WORDS)[rng.integers(8)]
    words += _some(rng, misleading, rng.integers(2))
    words += _some(rng, FILLERS, rng.integers(6, 26) - len(words))
    words = [words[k] for k in rng.permutation(len(words))]
    words[0] = words[0].capitalize()
    tags = [f"#{string.capwords(event, '_').replace('_', '')}"]
    tags += [f'#{word}' for word in _some(rng, TOPIC_WORDS[topic], rng.random() < 0.3)]
    if rng.random() < 0.3:
        words[:0] = ['RT', f'@{USERS[rng.integers(len(USERS))]}:']
    elif rng.random() < 0.1:
        # A quotation that the limit of a tweet cut short: a quote that is never closed.
        words[0] = f'"{words[0]}'
    return ' '.join(words + tags)


def _some(rng: np.random.Generator, words: Sequence[str], count: int | np.integer) -> list[str]:
    return [words[k] for k in rng.integers(len(words), size=int(count))]


def _draw(rng: np.random.Generator, motif: int | np.integer, ripples: float,
          size: Sequence[int]) -> np.ndarray:
    """Image (H, W, 3) of several things of one kind, and one of any, on ground with ripples."""
    y, x = grid(size)
    image = backdrop(rng, y, x)
    horizon = rng.uniform(-0.3, 0.3)
    dab(image, (20 * (y - horizon)).clip(0, 1), rng.uniform(0.2, 0.8, 3))
    wave = np.sin(rng.uniform(18, 26) * y + np.sin(rng.uniform(3, 6) * x + rng.uniform(0, 7)))
    image += 0.06 * 2.0**ripples * wave * (y > horizon)
    for kind in [rng.integers(3)] + [motif] * rng.integers(2, 5):
        v = y - rng.uniform(horizon, 0.7)
        u = x - rng.uniform(-0.8, 0.8)
        (_figure, _house, _crate)[kind](rng, image, v, u, rng.uniform(0.25, 0.5))
    return expose(rng, image)


def _figure(rng: np.random.Generator, image: np.ndarray, v: np.ndarray, u: np.ndarray,
            scale: float) -> None:
    dab(image, ellipse(v, u, scale, 0.4 * scale), rng.random(3))
    dab(image, ellipse(v + 1.2 * scale, u, 0.35 * scale, 0.3 * scale),
        rng.uniform(0.3, 0.9) * np.array((0.65, 0.8, 1)))


def _house(rng: np.random.Generator, image: np.ndarray, v: np.ndarray, u: np.ndarray,
           scale: float) -> None:
    wall = rng.random(3)
    dab(image, box(v, u, 0.7 * scale, scale), wall)
    roof = 1.2 * scale - np.abs(u) - 1.5 * np.abs(v + 0.7 * scale)
    dab(image, (12 * roof).clip(0, 1) * (v < -0.7 * scale), rng.random(3))
    dab(image, box(v, np.abs(u) - 0.5 * scale, 0.25 * scale, 0.2 * scale), 0.4 * wall)


def _crate(rng: np.random.Generator, image: np.ndarray, v: np.ndarray, u: np.ndarray,
           scale: float) -> None:
    side, color = 0.7 * scale, rng.random(3)
    dab(image, box(v, u, side, side), color)
    tape = np.minimum(np.abs(v), np.abs(u))
    dab(image, box(v, u, side, side) * (tape < 0.2 * side), 1 - color)


def box(y: np.ndarray, x: np.ndarray, height: float, width: float) -> np.ndarray:
    """Share 0..1 of every pixel inside the rectangle of these half sides around the origin."""
    return (12 * np.minimum(height - np.abs(y), width - np.abs(x))).clip(0, 1)
