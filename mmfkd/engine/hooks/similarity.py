"""Similarity of student and teacher during training, and the gradients of the losses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmfkd.analysis.features import check_keys, draw_vectors
from mmfkd.analysis.similarity import band_cka
from mmfkd.config import TapKey
from mmfkd.datasets.random_state import kept_random_state
from mmfkd.models import CrossModalDistiller
from mmfkd.models.frozen_branch import CachedBranch
from mmfkd.models.gradients import gradients
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class FeatureSimilarityHook(Hook):
    """Logs the CKA of student and teacher, and the gradient of each loss at the student's tap.

    Every ``interval`` iterations the batch runs through the model once more, just before its
    training step and with the same random numbers, so what is measured is that step. Training is
    not changed by a bit. Logged under ``train/similarity/<student>/``:

    - ``<teacher>/raw``, ``low``, ``high``: :func:`mmfkd.analysis.similarity.band_cka` of the batch.
      It depends on the number of samples, so compare it within a run, or at one batch size;
    - ``gradient/<student's name>.task``: L2 norm, over the batch, of the gradient that the task
      loss of each student sends to the tapped place;
    - ``gradient/<loss>`` and ``gradient/<loss>.<term>``: likewise of each distillation loss,
      weighted, without the 'loss_' of its name, and of its terms if there are several.

    Gradients are taken in the network at the tapped place, before ``pool`` of the branch. All is
    computed in float32, whatever the precision of training.

    Args:
        student: ``branch.tap`` of a student.
        teacher: ``branch.tap`` to compare it with, of a teacher or of another student.
        interval: iterations between two looks, each of which costs about a training step.
        cutoff: see :func:`mmfkd.models.losses.split_bands`.
        pixels: of maps, places of each image that are compared.
        seed: decides the places, which are the same each time.

    Raises:
        ValueError: an unknown tap, or ``student`` is one of a teacher.
    """

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 interval: int = 50, cutoff: float = 0.5, pixels: int = 64, seed: int = 0) -> None:
        self.student = student
        self.teacher = teacher
        self.interval = interval
        self.cutoff = cutoff
        self.pixels = pixels
        self.seed = seed
        self.taps = (student, teacher)  # see CompileHook
        self.further_modalities: tuple[str, ...] = ()

    def before_train(self, runner: Runner) -> None:
        """Refuses taps that are not there."""
        model = unwrapped(runner)
        check_keys(model, [self.student, self.teacher],
                   'student and teacher of FeatureSimilarityHook')
        if TapKey.parse(self.student).branch not in model.students:
            raise ValueError(f"FeatureSimilarityHook: student='{self.student}' is a tap of a "
                             f'teacher; name one of {list(model.students.keys())}')
        # A look runs every network, also a teacher whose outputs are kept.
        self.further_modalities = tuple(name for branch in model.branches.values()
                                        for name in branch.modalities)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None
                          ) -> None:
        """Looks at the batch that is about to be trained on."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        model = unwrapped(runner)
        with undisturbed(model):
            data = model.data_preprocessor(data_batch, True)
            scalars = self.measure(model, data['inputs'], data['data_samples'])
        for name, value in scalars.items():
            runner.message_hub.update_scalar(f'train/similarity/{self.student}/{name}', value)

    def measure(self, model: CrossModalDistiller, inputs: Mapping[str, Tensor], samples: list
                ) -> dict[str, float]:
        """The logged values of a batch.

        Args:
            model: as it trains.
            inputs: one stacked tensor per modality.
            samples: with labels.
        """
        key = TapKey.parse(self.student)
        with model.students[key.branch].taps.recording([key.tap]) as places:
            done = model.training_pass(inputs, samples, (self.student, self.teacher))
        losses = {f'{name}.task': model.parse_losses(task)[0] for name, task in done.tasks.items()}
        for name, terms in done.terms.items():
            losses.update(_terms(name.removeprefix('loss_'), terms))
        similarity = self._similarity(done.feats, samples)
        return similarity | {f'gradient/{name}': gradient_norm(loss, places[key.tap])
                             for name, loss in losses.items()}

    @torch.no_grad()
    def _similarity(self, feats: Mapping[str, Tensor], samples: list) -> dict[str, float]:
        pair = {key: feats[key] for key in (self.student, self.teacher)}
        rows, _ = draw_vectors(pair, samples, self.pixels,
                               torch.Generator().manual_seed(self.seed))
        # A batch may have no labelled pixel, and no training stops for that.
        if len(rows[self.student]) < 2:
            return {}
        scores = band_cka(rows[self.student], rows[self.teacher], self.cutoff)
        return {f'{self.teacher}/{band}': score for band, score in scores.items()}


def gradient_norm(loss: Tensor | int, place: Tensor) -> float:
    """L2 norm of the gradient of a loss at a tapped place of the network.

    Args:
        loss: a scalar; the graph is kept.
        place: what :class:`mmfkd.models.Taps` recorded there.
    """
    if not (isinstance(loss, Tensor) and loss.requires_grad and place.requires_grad):
        return 0.0
    grad, = gradients(loss, [place])
    return 0.0 if grad is None else grad.float().norm().item()


def _terms(name: str, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A loss, and its terms if it has several."""
    several = {f'{name}.{key}': term for key, term in terms.items()} if len(terms) > 1 else {}
    total: Any = sum(terms.values())
    return {name: total, **several}


@contextmanager
def undisturbed(model: CrossModalDistiller) -> Iterator[None]:
    """Buffers of the model and the states of the random generators are afterwards as before.

    Outputs of teachers are neither read nor kept meanwhile.
    """
    cached = [teacher for teacher in model.teachers.values() if isinstance(teacher, CachedBranch)]
    outputs = [teacher.outputs for teacher in cached]
    for teacher in cached:
        teacher.outputs = None
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    device = next(model.parameters()).device
    with (kept_random_state(),
          torch.random.fork_rng([device] if device.type == 'cuda' else [])):
        try:
            yield
        finally:
            for buffer, before in buffers:
                buffer.copy_(before)
            for balance in model.balances.values():
                balance.recount()
            for teacher, kept in zip(cached, outputs, strict=True):
                teacher.outputs = kept
