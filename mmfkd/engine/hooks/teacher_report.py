"""A validation of the teachers before training starts."""

import torch
from mmengine.dist import all_reduce
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import PixelData
from torch import Tensor

from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class TeacherReportHook(Hook):
    """Validates every teacher once before training and logs its metrics.

    Training does not start under a teacher that has learned nothing: one that is no better than
    always answering the most frequent class of the validation labels. One that was trained on other
    classes, of which features alone are distilled, is not judged by its answers.

    Args:
        metric: key of the metric that decides, larger is better; such as 'mIoU'.
        refuse: raise at a useless teacher; otherwise only log.

    Raises:
        RuntimeError: a teacher is no better than the majority class.
        KeyError: the evaluator has no such metric.
    """

    def __init__(self, metric: str, refuse: bool = True) -> None:
        self.metric = metric
        self.refuse = refuse

    def before_train(self, runner: Runner) -> None:
        """Runs the validation set through each teacher."""
        model = unwrapped(runner)
        if not model.teachers or runner.val_loop is None:
            return
        loader = runner.val_loop.dataloader
        evaluator = runner.val_loop.evaluator
        classes = loader.dataset.metainfo['classes']
        counts = torch.zeros(len(classes), dtype=torch.long)
        scored = {name: teacher for name, teacher in model.teachers.items()
                  if teacher.classes in ((), tuple(map(str, classes)))}
        if others := set(model.teachers) - set(scored):
            runner.logger.info(f'teachers {sorted(others)} are not scored, as they were trained on '
                               'other classes than those of val_dataloader')
        if not scored:
            return
        scores = {}
        for i, (name, teacher) in enumerate(scored.items()):
            for batch in loader:
                data = model.data_preprocessor(batch, False)
                with torch.no_grad():
                    samples = teacher(mode='predict', record=False, **data).output
                evaluator.process(data_samples=samples, data_batch=batch)
                if i == 0:
                    counts += sum(_count(sample, len(counts)) for sample in samples)
            metrics = evaluator.evaluate(len(loader.dataset))
            if self.metric not in metrics:
                raise KeyError(f"TeacherReportHook: metric='{self.metric}' is not among "
                               f'{list(metrics)} of val_evaluator')
            scores[name] = metrics[self.metric]
            runner.visualizer.add_scalars({f'teacher/{name}/{k}': v for k, v in metrics.items()})
        all_reduce(counts)
        floor = self._majority(model, loader, evaluator, int(counts.argmax()))
        self._judge(runner, scores, floor, classes[counts.argmax()])

    def _majority(self, model, loader, evaluator: Evaluator, label: int) -> float:
        """Metric of answering one class everywhere."""
        for batch in loader:
            samples = model.data_preprocessor(batch, False)['data_samples']
            for sample in samples:
                _answer(sample, label, len(loader.dataset.metainfo['classes']))
            evaluator.process(data_samples=samples, data_batch=batch)
        return evaluator.evaluate(len(loader.dataset))[self.metric]

    def _judge(self, runner: Runner, scores: dict[str, float], floor: float, label: str) -> None:
        for name, score in scores.items():
            runner.logger.info(f"teacher '{name}': {self.metric} {score:.2f} on val "
                               f"(always '{label}': {floor:.2f})")
            runner.message_hub.update_info(f'teacher_{name}', float(score))
        useless = [name for name, score in scores.items() if score <= floor]
        if useless and self.refuse:
            raise RuntimeError(
                f"teacher {useless} is no better than always answering '{label}' "
                f'({self.metric} {", ".join(f"{scores[n]:.2f}" for n in useless)} against '
                f'{floor:.2f}). Train it longer, check that its checkpoint and '
                'modality belong together, or accept it with --cfg-options '
                'default_hooks.teacher_report.refuse=False.')


def _count(sample, num_classes: int) -> Tensor:
    """Labels of one sample, counted; values beyond the classes are ignored ones."""
    label = sample.gt_sem_seg.data if 'gt_sem_seg' in sample else sample.gt_label
    label = label.flatten().cpu()
    return torch.bincount(label[(label >= 0) & (label < num_classes)], minlength=num_classes)


def _answer(sample, label: int, num_classes: int) -> None:
    """Makes one class the prediction of a sample."""
    if 'gt_sem_seg' in sample:
        sample.pred_sem_seg = PixelData(data=torch.full_like(sample.gt_sem_seg.data, label))
        return
    sample.set_pred_label(label)
    sample.set_pred_score(torch.eye(num_classes)[label])
