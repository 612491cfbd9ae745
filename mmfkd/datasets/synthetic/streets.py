"""Rendered streets, registered in optical and infrared light, with exact labels.

A street with things on it is painted from far to near. One scene takes about 3 ms at 96x96. The
classes, names and colours are those of MSRS. Neither modality is enough by itself:

* By day optical tells apart what infrared confuses, things as cold as their surroundings and of
  one shape: car stop, guardrail and hedge; cone and bush; kerb and gutter; bump and tar joint.
* Infrared tells people and bikes from posters of the same look, a kerb from a painted line and a
  bump from a crossing: people and running cars are warm, bikes and steel are cold, and paint is as
  warm as what it covers.
* By night, in about half of the scenes, optical is dark and noisy but for lamps and headlights.
  Infrared shows the same as by day, with less contrast to the road.
"""

from collections.abc import Callable, Sequence

import numpy as np

from .rooms import TONES
from .street_canvas import Canvas, Spot, measure, photograph

CLASSES = ('unlabeled', 'car', 'person', 'bike', 'curve', 'car_stop', 'guardrail', 'color_cone',
           'bump')
PALETTE = [[0, 0, 0], [64, 0, 128], [64, 64, 0], [0, 128, 192], [0, 0, 192], [128, 128, 0],
           [64, 64, 128], [192, 128, 128], [192, 64, 0]]
# The parts of a scene: the classes, and what is unlabeled in finer terms.
PARTS = (*CLASSES, 'sky', 'building', 'road', 'sidewalk', 'ground', 'vegetation', 'poster', 'lamp')
(_, CAR, PERSON, BIKE, CURVE, CAR_STOP, GUARDRAIL, CONE, BUMP, SKY, BUILDING, ROAD, SIDEWALK,
 GROUND, VEGETATION, POSTER, LAMP) = range(len(PARTS))

EYE = 2.2  # height of the camera above the road in metres
# Smallest and largest width and height in metres.
SIZES = {CAR: ((3.0, 1.4), (4.0, 1.7)), PERSON: ((0.6, 1.6), (0.8, 1.9)),
         BIKE: ((1.6, 1.0), (1.9, 1.2)), CAR_STOP: ((1.6, 0.45), (2.6, 0.65)),
         GUARDRAIL: ((2.2, 0.5), (3.6, 0.7)), CONE: ((0.6, 0.8), (0.8, 1.1)),
         LAMP: ((0.5, 3.5), (0.6, 4.5))}
WHITE, DARK, YELLOW, RED, ORANGE = ((.88, .88, .88), (.12, .12, .12), (.15, .75, .85),
                                    (.18, .18, .75), (.12, .45, .95))
GREEN = np.array([(.20, .42, .26), (.16, .34, .22), (.22, .38, .38)], np.float32)
GREY = np.array([(.46, .46, .46), (.56, .55, .54), (.38, .37, .37)], np.float32)


def is_night(seed: int) -> bool:
    """Whether the scene that ``seed`` decides is by night."""
    return bool(np.random.default_rng(seed).random() < 0.5)


def render_street(seed: int, size: Sequence[int] = (96, 96)) -> dict:
    """Renders the street that ``seed`` decides, at ``size`` (height, width) pixels.

    Returns:
        ``rgb``: uint8 (H, W, 3), BGR. ``ir``: uint8 (H, W, 3), equal channels. ``label``: uint8
        (H, W), index in ``CLASSES``. ``parts``: uint8 (H, W), index in ``PARTS``. ``night``: bool.
    """
    rng = np.random.default_rng(seed)
    night = bool(rng.random() < 0.5)  # the first draw; see is_night
    height, width = size
    canvas = Canvas((height, width))
    horizon = rng.uniform(0.28, 0.42) * height
    warmth = rng.normal(1.5, 0.7) if night else rng.normal(5, 1.5)
    edges = _paint_ground(rng, canvas, horizon, warmth)
    _paint_backdrop(rng, canvas, horizon)
    for row in np.sort(rng.uniform(0.15, 0.95, rng.integers(2, 4))):
        _paint_band(rng, canvas, horizon, row, edges, warmth)
    kinds = rng.choice(len(THINGS), rng.integers(8, 13))
    for kind, depth in zip(kinds, np.sort(rng.uniform(0.3, 1.0, len(kinds))), strict=True):
        part, paint = THINGS[kind]
        row = horizon + depth * (height - horizon)
        extent = rng.uniform(*SIZES[part]) * (row - horizon) / EYE
        paint(rng, canvas, Spot(rng.uniform(0, width), row, *extent))
    return dict(rgb=photograph(rng, canvas, night), ir=measure(rng, canvas), night=night,
                label=np.where(canvas.parts < len(CLASSES), canvas.parts, 0).astype(np.uint8),
                parts=canvas.parts)


def _tone(rng: np.random.Generator, tones: np.ndarray) -> np.ndarray:
    return (rng.choice(tones) + rng.normal(0, 0.03, 3)).clip(0.05, 0.95)


def _paint_ground(rng: np.random.Generator, canvas: Canvas, horizon: float,
                  warmth: float) -> np.ndarray:
    """Ground, pavements, kerbs and road; returns the road's (vanishing x, left, right)."""
    height, width = canvas.parts.shape
    vanishing, left, right = rng.uniform((0.35, -0.15, 0.8), (0.65, 0.2, 1.15)) * width

    def wedge(start: float, stop: float, *look) -> None:
        canvas.fill([[(vanishing, horizon), (stop, height), (start, height)]], *look)

    canvas.fill([[(0, horizon), (width, horizon), (width, height), (0, height)]], GROUND,
                _tone(rng, np.concatenate([GREEN, GREY])), rng.normal(2, 2))
    paving, concrete, tar = (_tone(rng, GREY) for _ in range(3))
    pavement = rng.uniform(0.3, 0.8) * width
    wedge(left - pavement, right + pavement, SIDEWALK, paving, warmth + rng.normal(-1, 1.5))
    wedge(left, right, ROAD, tar * 0.7, warmth)
    for edge, side in ((left, -1), (right, 1)):
        strip = sorted((edge, edge + side * rng.uniform(0.08, 0.14) * width))
        cool = rng.normal(-3, 1.5)
        look = ((CURVE, concrete * 1.5, cool), (ROAD, concrete * 1.5, warmth),
                (ROAD, tar * 0.5, cool))[rng.choice(3, p=(0.6, 0.2, 0.2))]
        wedge(*strip, *look)
    return np.array([vanishing, left, right])


def _paint_backdrop(rng: np.random.Generator, canvas: Canvas, horizon: float) -> None:
    """Sky, buildings with windows, and trees."""
    width = canvas.parts.shape[1]
    canvas.fill([[(0, 0), (width, 0), (width, horizon), (0, horizon)]], SKY,
                rng.uniform((0.75, 0.65, 0.5), (0.95, 0.85, 0.85)), rng.normal(-14, 2))
    for start in np.arange(-0.1, 1.0, 0.22) * width:
        spot = Spot(start + rng.uniform(0, 0.15) * width, horizon, rng.uniform(0.2, 0.4) * width,
                    rng.uniform(0.3, 1.0) * horizon)
        if rng.random() < 0.3:
            _paint_bush(rng, canvas, spot)
            continue
        wall, heat = _tone(rng, TONES), rng.normal(0, 2)
        canvas.fill([spot.box(-0.5, 0, 0.5, 1)], BUILDING, wall, heat)
        panes = [spot.box(x, y, x + 0.12, y + 0.14) for x in (-0.4, -0.15, 0.1, 0.3)
                 for y in (0.2, 0.6)]
        canvas.fill(panes, BUILDING, wall * 0.5, heat + rng.normal(3, 2))


def _paint_band(rng: np.random.Generator, canvas: Canvas, horizon: float, depth: float,
                edges: np.ndarray, warmth: float) -> None:
    """Something flat across the road: a bump, a crossing or a tar joint."""
    height = canvas.parts.shape[0]
    rows = horizon + np.array([depth, depth + 0.05 + 0.12 * depth]) * (height - horizon)
    part, colours, heat = ((BUMP, (YELLOW, DARK), warmth + rng.normal(-4, 1)),
                           (ROAD, (WHITE, None), warmth),
                           (ROAD, ((.2, .2, .2),) * 2, warmth + rng.normal(-4, 1))
                           )[rng.choice(3, p=(0.6, 0.2, 0.2))]
    share = ((rows - horizon) / (height - horizon))[:, None]
    ticks = edges[0] + share * (np.linspace(edges[1], edges[2], 13) - edges[0])
    strips = [[(ticks[0, i], rows[0]), (ticks[0, i + 1], rows[0]), (ticks[1, i + 1], rows[1]),
               (ticks[1, i], rows[1])] for i in range(12)]
    for colour, some in zip(colours, (strips[::2], strips[1::2]), strict=True):
        if colour is not None:
            canvas.fill(some, part, colour, heat)


def _paint_car(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    running = rng.random() < 0.7
    colour, heat = _tone(rng, TONES), rng.normal(8 if running else 0, 1)
    spot = spot.turned(rng.random() < 0.5)
    canvas.fill([spot.at((-.5, .15), (-.5, .55), (-.28, .62), (-.16, 1), (.2, 1), (.34, .62),
                         (.5, .5), (.5, .15))], CAR, colour, heat)
    canvas.fill([spot.box(.3, .2, .5, .48)], CAR, colour, heat + 10 * running)
    canvas.fill([spot.at((-.22, .62), (-.13, .92), (.16, .92), (.27, .62))], CAR, DARK, heat - 4)
    canvas.fill([spot.disc(x, .17, .3) for x in (-.3, .3)], CAR, DARK, heat + 8 * running)
    if running:
        x, y = spot.at((.5, .35))[0]
        canvas.lights.append((x, y, 0.35 * spot.height, 1.0))


def _paint_person(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    _paint_figure(rng, canvas, spot, PERSON, rng.normal(11, 2), 5)


def _paint_figure(rng: np.random.Generator, canvas: Canvas, spot: Spot, part: int, heat: float,
                  bare: float) -> None:
    coat, trousers = _tone(rng, TONES), _tone(rng, TONES)
    stride = rng.uniform(0.1, 0.45)
    canvas.fill([spot.at((-.2, .5), (.2, .5), (stride, 0), (stride - .22, 0), (0, .4),
                         (.22 - stride, 0), (-stride, 0))], part, trousers, heat - bare / 2)
    canvas.fill([spot.at((-.3, .82), (.3, .82), (.38, .45), (-.38, .45))], part, coat, heat)
    canvas.fill([spot.disc(0, .91, .17)], part, (.5, .62, .78), heat + bare)


def _paint_bike(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    _paint_wheels(rng, canvas, spot, BIKE, rng.normal(-8, 1.5))


def _paint_wheels(rng: np.random.Generator, canvas: Canvas, spot: Spot, part: int,
                  heat: float) -> None:
    colour = _tone(rng, TONES)
    canvas.fill([spot.disc(x, .3, .6) for x in (-.3, .3)], part, DARK, heat)
    canvas.fill([spot.at((-.32, .25), (-.15, .75), (.22, .75), (.32, .3), (.2, .25), (-.05, .2))],
                part, colour, heat)
    canvas.fill([spot.box(-.26, .7, -.06, .88), spot.box(.16, .7, .26, 1)], part, DARK, heat)


def _paint_poster(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    """The look of a person or a bike, as cold as the surroundings."""
    if rng.random() < 0.6:
        _paint_figure(rng, canvas, spot, POSTER, rng.normal(0, 1.5), 0)
    else:
        low, high = SIZES[BIKE]
        shape = (spot.height / 1.75) * rng.uniform(low, high)
        _paint_wheels(rng, canvas, Spot(spot.x, spot.row, *shape), POSTER, rng.normal(0, 1.5))


def _paint_bar(part: int, colours: Sequence | np.ndarray, heat: float) -> Callable:
    """Painter of a low bar in bands of ``colours``."""
    def paint(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
        warmth = rng.normal(heat, 1.2)
        bands = [spot.box(x, 0, x + 1 / 6, 1) for x in np.linspace(-0.5, 0.5, 7)[:-1]]
        for colour, some in zip(colours, (bands[::2], bands[1::2]), strict=True):
            canvas.fill(some, part, colour, warmth)
    return paint


def _paint_cone(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    heat = rng.normal(-1, 1.2)
    canvas.fill([spot.at((-.5, 0), (.5, 0), (.06, 1), (-.06, 1))], CONE, ORANGE, heat)
    canvas.fill([spot.at((-.33, .35), (.33, .35), (.2, .65), (-.2, .65))], CONE, WHITE, heat)


def _paint_bush(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    canvas.fill([spot.at((-.5, 0), (.5, 0), (.06, 1), (-.06, 1))], VEGETATION, _tone(rng, GREEN),
                rng.normal(-2.5, 1.2))


def _paint_lamp(rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
    canvas.fill([spot.box(-.12, 0, .12, 1)], LAMP, _tone(rng, GREY), rng.normal(0, 2))
    canvas.fill([spot.disc(0, 1, .08)], LAMP, WHITE, rng.normal(10, 2))
    canvas.lights += [(spot.x, spot.row - spot.height, 0.08 * spot.height, 1.0),
                      (spot.x, spot.row, 0.15 * spot.height, 0.5)]


# Painters of standing things, each with the part whose size it has; the hedge is a bar as well.
THINGS = ((CAR, _paint_car), (CAR, _paint_car), (PERSON, _paint_person), (PERSON, _paint_person),
          (BIKE, _paint_bike), (BIKE, _paint_bike), (PERSON, _paint_poster),
          (CAR_STOP, _paint_bar(CAR_STOP, (YELLOW, YELLOW), 0.5)),
          (CAR_STOP, _paint_bar(CAR_STOP, (YELLOW, YELLOW), 0.5)),
          (GUARDRAIL, _paint_bar(GUARDRAIL, (WHITE, RED), -5)),
          (GUARDRAIL, _paint_bar(VEGETATION, GREEN[:2], -2.5)),
          (CONE, _paint_cone), (CONE, _paint_cone), (CONE, _paint_bush), (LAMP, _paint_lamp))
