"""Seconds of a training step: by phase, and against a loop without this package."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain, repeat
from statistics import median
from time import perf_counter

import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import Tensor

from mmfkd.models import CrossModalDistiller

PHASES = ('preprocess', 'teacher', 'student', 'losses', 'backward', 'optimizer')


class Stopwatch:
    """Collects seconds under names; the device's queue is empty when a lap starts and ends.

    Args:
        device: where the timed work runs.

    Attributes:
        laps: name to the seconds of each lap.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.laps: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Times what is inside the ``with``."""
        self._synchronize()
        start = perf_counter()
        yield
        self._synchronize()
        self.laps[name].append(perf_counter() - start)

    def _synchronize(self) -> None:
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)

    def medians(self, warmup: int) -> dict[str, float]:
        """Median seconds per name, without the first ``warmup`` laps."""
        return {name: median(laps[warmup:]) for name, laps in self.laps.items()}


class Floor:
    """What distillation cannot do without, as a bare PyTorch loop.

    Teachers forward under ``no_grad``, students forward on their task, backward, optimizer. No
    preprocessing, taps or distillation losses: what :meth:`CrossModalDistiller.train_step` takes
    beyond this is the cost of the losses and of the frame around them. Without teachers it is the
    plain training of the students. The students are copies, the teachers are the model's own.

    Args:
        model: the distiller; its students are copied as they are now.
        optim_wrapper: config, of which the optimizer is used.
        inputs: one raw (N, C, H, W) tensor per modality; normalised here once, not in the loop.
        data_samples: with labels.
        teachers: whether they run.
    """

    def __init__(self, model: CrossModalDistiller, optim_wrapper: dict,
                 inputs: Mapping[str, Tensor], data_samples: list, teachers: bool = True) -> None:
        self.students = deepcopy(model.students).train()
        self.optimizer = build_optim_wrapper(self.students, optim_wrapper).optimizer
        self.data_samples = data_samples
        # The distiller runs its teachers only for its losses.
        running = model.teachers.values() if model.losses and teachers else ()
        self._teachers = [(t.model, t.prepare(inputs)[0]) for t in running]
        self._students = [(s.model, s.prepare(inputs)[0]) for s in self.students.values()]

    def step(self) -> None:
        """One training step."""
        with torch.no_grad():
            for network, x in self._teachers:
                network(x, None, mode='tensor')
        losses = [network.parse_losses(network(x, self.data_samples, mode='loss'))[0]
                  for network, x in self._students]
        sum(losses).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


def compare(full: Callable[[], object], floor: Callable[[], object], steps: int, warmup: int,
            device: torch.device) -> dict[str, list[float]]:
    """Seconds of two kinds of step, measured in turns.

    They alternate, and so does which of them goes first, because the speed of a machine drifts.

    Args:
        full: a step.
        floor: the step to compare it with.
        steps: number of timed steps of each.
        warmup: number of untimed steps of each before them.
        device: where they run.

    Returns:
        ``full`` and ``floor``, each with the seconds of its timed steps.

    Raises:
        ValueError: ``steps`` is below 1 or ``warmup`` below 0.
    """
    check_counts(steps, warmup)
    watch = Stopwatch(device)
    turns = [('full', full), ('floor', floor)]
    for _ in range(warmup + steps):
        for name, step in turns:
            with watch.lap(name):
                step()
        turns.reverse()
    return {name: watch.laps[name][warmup:] for name in ('full', 'floor')}


def time_phases(model: CrossModalDistiller, optim_wrapper: OptimWrapper, batch: dict,
                steps: int, warmup: int, device: torch.device) -> dict[str, float]:
    """Median seconds of the phases of ``model.train_step(batch, optim_wrapper)``.

    A loop of its own, which waits for the device after each phase; so on a GPU the phases add up
    to more than the undivided step.

    Args:
        model: in training mode.
        optim_wrapper: of the model.
        batch: as the data loader collates it.
        steps: number of timed steps.
        warmup: number of untimed steps before them.
        device: where the model is.

    Returns:
        the seconds of each of ``PHASES``.

    Raises:
        ValueError: ``steps`` is below 1 or ``warmup`` below 0.
    """
    check_counts(steps, warmup)
    watch = Stopwatch(device)
    for _ in range(warmup + steps):
        with watch.lap('preprocess'):
            data = model.data_preprocessor(batch, training=True)
        done = model.training_pass(data['inputs'], data['data_samples'], phase=watch.lap)
        with watch.lap('backward'):
            optim_wrapper.backward(model.parse_losses(done.losses())[0])
        with watch.lap('optimizer'):
            optim_wrapper.step()
            optim_wrapper.zero_grad()
    return watch.medians(warmup)


def time_fetching(loader: Iterable, steps: int, warmup: int) -> float:
    """Median seconds to get a batch from a data loader; a new epoch starts when one ends.

    Args:
        loader: with at least one batch.
        steps: number of timed batches.
        warmup: number of untimed batches before them.

    Raises:
        ValueError: ``steps`` is below 1 or ``warmup`` below 0.
    """
    check_counts(steps, warmup)
    watch = Stopwatch(torch.device('cpu'))
    batches = chain.from_iterable(repeat(loader))
    for _ in range(warmup + steps):
        with watch.lap('data'):
            next(batches)
    return watch.medians(warmup)['data']


def check_counts(steps: int, warmup: int) -> None:
    """Refuses counts that leave nothing to take a median of."""
    if steps < 1 or warmup < 0:
        raise ValueError(f'steps={steps}, warmup={warmup}: take at least 1 step and 0 to warm up')
