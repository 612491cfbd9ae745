"""Hooks, and the checkpoints that they write and find."""

import json
import os
import random
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.evaluator import Evaluator
from mmengine.fileio import put
from mmengine.structures import PixelData
from mmpretrain.evaluation import Accuracy
from mmseg.evaluation import IoUMetric
from torch.utils.data import DataLoader

from mmfkd.checkpoints import is_whole, latest_checkpoint, resolve_checkpoint
from mmfkd.checkpoints.work_dirs import best_checkpoint
from mmfkd.config import default_work_dir
from mmfkd.engine import (
    AtomicLocalBackend,
    EpochSeedHook,
    FiniteLossHook,
    LossWeightHook,
    TeacherReportHook,
    seed_worker,
)
from mmfkd.engine.hooks.loss import pass_length
from mmfkd.models.preprocessor import MultiModalDataPreprocessor
from mmfkd.visualization.pictures import paint, picture

KD = dict(type='KDLoss')
NAMES = ('a', 'b', 'c', 'd')


@pytest.fixture
def pair(distiller_config, seg_branch, save_teacher):
    """``pair(loss)``: config of depth teaching rgb on the rendered scenes' four classes."""
    branch = seg_branch('depth', classes=4)
    teacher = dict(branch, checkpoint=str(save_teacher(branch)))
    return lambda **loss: distiller_config(
        dict(loss_kd=dict(KD, **loss)), students=dict(student=seg_branch(classes=4)),
        teachers=dict(teacher=teacher))


# ---------------------------------------------------------------- losses over time


def stopped(runner, tmp_path):
    """Message of a run that a loss stops, which must leave no checkpoint behind."""
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    assert list((tmp_path / 'run').rglob('*.pth')) == []
    return str(error.value)


def test_a_loss_that_is_not_finite_stops_the_run_before_a_checkpoint(pair, make_runner,
                                                                     tmp_path):
    runner = make_runner(pair(weight=float('nan')),
                         custom_hooks=[dict(type='FiniteLossHook', interval=1)])
    message = stopped(runner, tmp_path)
    assert message.startswith('loss_kd.kl is not finite at iteration 1 (epoch 1)')
    assert 'optim_wrapper.clip_grad' in message


def test_the_term_that_began_is_named_when_others_have_followed(pair, make_runner, tmp_path):
    # The hook looks at the end of the epoch only; the first step has made every term NaN.
    runner = make_runner(pair(weight=float('nan')), custom_hooks=[dict(type='FiniteLossHook')])
    message = stopped(runner, tmp_path)
    assert message.startswith('loss_kd.kl is not finite at iteration 1 ')


def finite_loss(iteration, outputs, interval=10, batch_idx=0, batches=100):
    runner = SimpleNamespace(iter=iteration, epoch=0, train_dataloader=range(batches))
    FiniteLossHook(interval).after_train_iter(runner, batch_idx, None, outputs)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_every_term_that_is_not_finite_is_named_once(value):
    outputs = {'loss': torch.tensor(value), 'loss_a.low': torch.tensor(value),
               'student.loss': value, 'loss_b': torch.tensor(1.0), 'acc': torch.tensor(value)}
    with pytest.raises(FloatingPointError, match=r'^loss_a.low, student.loss is not finite'):
        finite_loss(9, outputs)


def test_a_sum_that_overflows_is_named():
    with pytest.raises(FloatingPointError, match=r'^loss is not finite at iteration 10 '):
        finite_loss(9, dict(loss=torch.tensor(float('inf')), loss_a=torch.tensor(3e38)))


def test_losses_are_looked_at_every_interval_and_at_the_end_of_an_epoch():
    bad = dict(loss=torch.tensor(float('nan')))
    finite_loss(3, bad, interval=5)
    finite_loss(9, dict(loss=torch.tensor(1.0), acc=torch.tensor(float('nan'))))
    with pytest.raises(FloatingPointError):
        finite_loss(4, bad, interval=5)
    with pytest.raises(FloatingPointError):
        finite_loss(3, bad, interval=5, batch_idx=99)


def weight_at(epoch, distiller, **kwargs):
    runner = SimpleNamespace(model=distiller, epoch=epoch, max_epochs=8, cfg={})
    LossWeightHook('loss_kd', **kwargs).before_train_epoch(runner)
    return distiller.losses['loss_kd'].weight


def test_a_weight_moves_linearly_between_two_epochs(distiller):
    model = distiller(dict(loss_kd=KD))
    weights = [weight_at(epoch, model, start=1.0, stop=3.0, begin=2, end=6) for epoch in range(9)]
    assert weights == [1, 1, 1, 1.5, 2, 2.5, 3, 3, 3]


def test_a_ramp_without_an_end_has_the_length_of_the_run(distiller):
    model = distiller(dict(loss_kd=KD))
    weights = [weight_at(epoch, model, start=1.0, stop=0.0) for epoch in range(8)]
    assert weights == [1 - epoch / 8 for epoch in range(8)]


def test_a_ramp_of_no_length_is_a_step(distiller):
    model = distiller(dict(loss_kd=KD))
    weights = [weight_at(epoch, model, start=0.0, stop=1.0, begin=3, end=3) for epoch in range(6)]
    assert weights[:3] == [0, 0, 0] and weights[4:] == [1, 1] and weights[3] in (0, 1)


def test_a_pass_without_an_end_is_that_of_all_processes(monkeypatch):
    data = list(range(1000))
    endless = DataLoader(data, 10, sampler=InfiniteSampler(data))
    assert pass_length(endless) == 100
    monkeypatch.setattr('mmfkd.engine.hooks.loss.get_world_size', lambda: 4)
    assert pass_length(endless) == 25
    assert pass_length(DataLoader(data[:250], 10)) == 25  # a sampler has its share


@pytest.mark.parametrize('start', [0, 7, 12])
def test_a_run_of_iterations_counts_passes_through_the_data(start, distiller):
    model = distiller(dict(loss_kd=KD))
    runner = SimpleNamespace(model=model, epoch=0, max_epochs=1, iter=start, max_iters=18,
                             train_dataloader=DataLoader(range(5)),
                             cfg=dict(train_cfg=dict(max_iters=18)))
    hook, found = LossWeightHook('loss_kd', start=1.0, stop=3.0, begin=1), []
    hook.before_train_epoch(runner)  # once in such a run, also where it was resumed
    for runner.iter in range(start, 18):
        hook.before_train_iter(runner, runner.iter)
        found.append(model.losses['loss_kd'].weight)
    # The fourth pass is cut short, and the ramp ends with the run.
    assert found == pytest.approx(([1.0] * 10 + [1 + 2 / 3] * 5 + [1 + 4 / 3] * 3)[start:])


def started(epochs, cfg=None, **ramp):
    """What a schedule warns of before a run."""
    said = []
    LossWeightHook('loss_kd', **ramp).before_train(SimpleNamespace(
        cfg=cfg or {}, epoch=0, max_epochs=epochs, logger=SimpleNamespace(warning=said.append)))
    return said


def test_a_loss_that_no_epoch_of_the_run_would_count_is_refused():
    step = dict(start=0, stop=1.0, begin=11, end=11)
    cfg = dict(default_hooks=dict(late=dict(type='LossWeightHook', loss='loss_kd', **step)))
    with pytest.raises(ValueError, match='weight 0 in all of the run, as its ramp begins after beg'
                       r'in=11 epochs and the run has 11: let .* default_hooks\.late\.begin=0'):
        started(11, cfg, **step)
    with pytest.raises(ValueError, match='begin=0 epochs and the run has 1: let .* default_hooks'):
        started(1, start=0.0, stop=1.0)
    assert started(12, cfg, **step) == started(2, start=0.0, stop=1.0) == []
    assert started(9, start=0, stop=0) == []


def test_a_ramp_that_the_run_cuts_short_is_warned_of():
    ramp = dict(start=0.05, stop=1.0, begin=0, end=19)
    said, = started(10, **ramp)
    assert said.startswith('The weight of loss_kd gets no further than 0.5 on its way')
    assert started(19, **ramp) == started(1, start=1.0, stop=0.0) == []
    said, = started(9, start=1.0, stop=0.1, begin=10, end=50, number='hard_ratio')
    assert said.startswith('The hard_ratio of loss_kd gets no further than 1 on its way')


def test_the_weight_changes_the_loss(distiller, seg_batch):
    model = distiller(dict(loss_kd=KD)).eval()
    data = model.data_preprocessor(seg_batch(), True)
    full = model(**data, mode='loss')['loss_kd.kl']
    weight_at(1, model, start=1.0, stop=0.0, begin=0, end=2)
    half = model(**data, mode='loss')['loss_kd.kl']
    assert half.item() == pytest.approx(0.5 * full.item(), rel=1e-5)


def test_an_unknown_loss_is_refused_with_the_known_ones(distiller):
    runner = SimpleNamespace(model=distiller(dict(loss_kd=KD)), epoch=0, max_epochs=1, cfg={})
    with pytest.raises(KeyError, match=r"no loss 'loss_dk'.*\['loss_kd'\]"):
        LossWeightHook('loss_dk', 0, 1, 0, 1).before_train_epoch(runner)


# ---------------------------------------------------------------- seeds


def draws(epoch, seed=0):
    """Numbers of the three generators in an epoch, whatever was drawn before."""
    for _ in range(random.randrange(5)):
        random.random(), np.random.rand(), torch.rand(1)
    EpochSeedHook().before_train_epoch(SimpleNamespace(seed=seed, epoch=epoch, cfg={}))
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_an_epoch_draws_the_same_numbers_again():
    first = draws(3)
    draws(4)
    assert draws(3) == first


def test_other_epochs_and_other_seeds_draw_other_numbers():
    seen = [draws(epoch, seed) for epoch in range(4) for seed in range(4)]
    for generator in zip(*seen, strict=True):
        assert len(set(generator)) == 16


def test_iterations_are_seeded_where_a_run_counts_them():
    said = []
    run = SimpleNamespace(seed=0, epoch=0, iter=6, cfg=dict(train_cfg=dict(max_iters=9)),
                          logger=SimpleNamespace(warning=said.append))
    hook, seen = EpochSeedHook(), []
    for run.iter in (6, 7, 6):
        torch.rand(3)
        hook.before_train_iter(run, 0)
        seen.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert seen[0] == seen[2] and seen[0] != seen[1] and not said
    hook.before_train_epoch(run)  # resumed at 6
    assert 'this run counts iterations' in said[0]
    run.iter = 0
    hook.before_train_epoch(run)
    assert len(said) == 1


def test_ranks_draw_other_numbers(monkeypatch):
    first = draws(0)
    monkeypatch.setattr('mmfkd.engine.hooks.seeding.get_rank', lambda: 1)
    assert all(a != b for a, b in zip(first, draws(0), strict=True))


def test_a_worker_draws_what_its_torch_seed_says():
    seen = []
    for seed in (5, 5, 2 ** 40 + 6):
        torch.manual_seed(seed)
        seed_worker(0)
        seen.append((random.random(), np.random.rand()))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0] and seen[0][1] != seen[2][1]


# ---------------------------------------------------------------- TeacherReportHook


class Loader(list):
    """Batches, with the data set's meta information."""

    dataset = type('Data', (list,), dict(metainfo=dict(classes=NAMES)))([None] * 4)


class Recorder(dict):
    """Takes what a run tells its visualizer, its message hub and its logger."""

    def add_scalars(self, scalars):
        self.update(scalars)

    def update_info(self, key, value):
        self[key] = value

    def info(self, text):
        self['log'] = self.get('log', '') + text


@pytest.fixture
def report(stub_branch):
    """``report(answer, metric, batches)``: what the hook says of a teacher that answers so."""
    def run(answer, metric, evaluator, batches, refuse=True):
        evaluator = Evaluator(evaluator)
        evaluator.dataset_meta = Loader.dataset.metainfo
        model = SimpleNamespace(teachers=dict(teacher=stub_branch(answer)),
                                data_preprocessor=MultiModalDataPreprocessor())
        said = Recorder()
        runner = SimpleNamespace(
            model=model, visualizer=said, message_hub=said, logger=said,
            val_loop=SimpleNamespace(dataloader=Loader(batches), evaluator=evaluator))
        TeacherReportHook(metric, refuse=refuse).before_train(runner)
        return said
    return run


def segment(function):
    def answer(inputs, samples):
        for sample in samples:
            sample.pred_sem_seg = PixelData(data=function(sample.gt_sem_seg.data))
        return samples
    return answer


def classify(function):
    def answer(inputs, samples):
        for sample in samples:
            label = function(sample.gt_label)
            sample.set_pred_label(label).set_pred_score(torch.eye(4)[label].flatten())
        return samples
    return answer


@pytest.fixture
def seg_batches(seg_batch):
    """Two batches, most pixels of class 'c'."""
    batches = [seg_batch(), seg_batch()]
    for batch in batches:
        for sample in batch['data_samples']:
            sample.gt_sem_seg.data[:, :20] = 2
            sample.gt_sem_seg.data[:, :4, :4] = 255
    return batches


def test_a_teacher_that_knows_passes(report, seg_batches):
    said = report(segment(lambda gt: gt.clamp(max=3)), 'mIoU', IoUMetric(), seg_batches)
    assert said['teacher/teacher/mIoU'] == said['teacher_teacher'] == 100
    assert "teacher 'teacher': mIoU 100.00 on val (always 'c': " in said['log']


def test_the_majority_is_that_of_all_processes(report, seg_batches, monkeypatch):
    others = torch.tensor([0, 10 ** 6, 0, 0])
    monkeypatch.setattr('mmfkd.engine.hooks.teacher_report.all_reduce',
                        lambda counts: counts.add_(others))
    seg_batches[0]['data_samples'][0].gt_sem_seg.data[:, 0, 0] = -1  # no label
    said = report(segment(lambda gt: gt.clamp(0, 3)), 'mIoU', IoUMetric(), seg_batches)
    assert "(always 'b': " in said['log']


def test_the_majority_class_is_scored_as_an_answer(report, seg_batches):
    said = report(segment(lambda gt: gt.clamp(max=3)), 'mIoU', IoUMetric(), seg_batches)
    gt = torch.cat([s.gt_sem_seg.data for batch in seg_batches for s in batch['data_samples']])
    share = (gt == 2).sum() / (gt != 255).sum()
    assert f"(always 'c': {100 * share.item() / 4:.2f})" in said['log']


@pytest.mark.parametrize('constant', [2, 0])
def test_a_teacher_that_always_says_the_same_is_refused(constant, report, seg_batches):
    answer = segment(lambda gt: torch.full_like(gt, constant))
    with pytest.raises(RuntimeError) as error:
        report(answer, 'mIoU', IoUMetric(), seg_batches)
    assert "teacher ['teacher'] is no better than always answering 'c'" in str(error.value)
    assert 'refuse=False' in str(error.value)
    said = report(answer, 'mIoU', IoUMetric(), seg_batches, refuse=False)
    assert said['teacher_teacher'] < 25


def test_classifying_teachers_are_judged_too(report, cls_batch):
    batches = [cls_batch((0, 1)), cls_batch((1, 3))]
    accuracy = Accuracy(topk=1)
    said = report(classify(lambda label: label), 'accuracy/top1', accuracy, batches)
    assert said['teacher_teacher'] == 100
    assert "(always 'b': 50.00)" in said['log']
    with pytest.raises(RuntimeError, match=r"always answering 'b' \(accuracy/top1 50.00"):
        report(classify(lambda label: torch.tensor([1])), 'accuracy/top1', accuracy, batches)


def test_an_unknown_metric_is_refused_with_the_known_ones(report, seg_batches):
    with pytest.raises(KeyError, match="metric='mIou' is not among.*mIoU"):
        report(segment(lambda gt: gt.clamp(max=3)), 'mIou', IoUMetric(), seg_batches)


def test_without_teachers_nothing_is_validated():
    runner = SimpleNamespace(model=SimpleNamespace(teachers={}))
    TeacherReportHook('mIoU').before_train(runner)


def test_a_teacher_of_other_classes_is_not_judged(pair, make_runner):
    """Its answers mean others, and its features may teach all the same."""
    runner = make_runner(pair(), validate=True)
    said = Recorder()
    runner.logger = said
    runner.model.teachers['teacher'].classes = tuple(
        reversed(runner.val_dataloader.dataset.metainfo['classes']))
    TeacherReportHook('mIoU').before_train(runner)
    assert "teachers ['teacher'] are not scored, as they were trained on other" in said['log']
    assert runner.message_hub.get_info('teacher_teacher', None) is None


# ---------------------------------------------------------------- PredictionPanelHook


def test_a_run_reports_its_teacher_and_draws_panels(pair, make_runner, tmp_path):
    runner = make_runner(pair(), validate=True, custom_hooks=[
        dict(type='TeacherReportHook', metric='mIoU', refuse=False),
        dict(type='PredictionPanelHook', num_images=3, height=48)])
    runner.train()
    score = runner.message_hub.get_info('teacher_teacher')
    assert 0 <= score <= 100
    files = sorted((tmp_path / 'run').rglob('panel_*.png'))
    assert [path.name for path in files] == [f'panel_{i}_1.png' for i in range(3)]
    # rgb | depth | ground truth | teacher | student, 32x32 each, drawn 48 high
    pictures = [cv2.imread(str(path)) for path in files]
    assert all(picture.shape == (48, 5 * 48, 3) for picture in pictures)
    check_tiles(pictures[2], runner)


def check_tiles(picture, runner):
    """Compares each tile of the third scene's panel with what it shows."""
    def scaled(image):
        return cv2.resize(image, (48, 48), interpolation=cv2.INTER_NEAREST)

    item = runner.val_dataloader.dataset[2]
    palette = np.array(runner.val_dataloader.dataset.metainfo['palette'], np.uint8)
    rgb, depth, gt, teacher, student = np.split(picture, 5, axis=1)
    assert np.array_equal(rgb, scaled(item['inputs']['rgb'].numpy().transpose(1, 2, 0)))
    millimetres = scaled(item['inputs']['depth'][0].numpy())
    assert np.corrcoef(depth[..., 0].ravel(), millimetres.ravel())[0, 1] > 0.99
    label = item['data_samples'].gt_sem_seg.data[0].numpy()
    assert np.array_equal(gt, scaled(palette[label])[..., ::-1])
    model = runner.model.eval()
    for tile, branch in ((teacher, model.teachers['teacher']), (student, model.student)):
        batch = dict(inputs={k: [v] for k, v in item['inputs'].items()},
                     data_samples=[item['data_samples']])
        with torch.no_grad():
            sample = branch(**model.data_preprocessor(batch), mode='predict', record=False)[0][0]
        expected = scaled(palette[sample.pred_sem_seg.data[0].numpy()])[..., ::-1]
        assert (tile == expected).mean() > 0.98


def test_panels_are_drawn_at_their_interval(pair, make_runner, tmp_path):
    runner = make_runner(pair(), validate=True, **{'train_cfg.max_epochs': 2}, custom_hooks=[
        dict(type='PredictionPanelHook', interval=2, num_images=1)])
    runner.train()
    assert [path.name for path in (tmp_path / 'run').rglob('panel_*.png')] == ['panel_0_2.png']


def test_panels_of_padded_images_are_drawn(pair, make_runner, tmp_path):
    model = pair()
    model.data_preprocessor.size_divisor = 24
    runner = make_runner(model, validate=True, custom_hooks=[
        dict(type='PredictionPanelHook', num_images=1, height=32)])
    runner.train()
    pictures = [cv2.imread(str(path)) for path in (tmp_path / 'run').rglob('panel_*.png')]
    assert len(pictures) == 1 and pictures[0].shape[0] == 32


def test_pictures_keep_colour_and_stretch_the_rest():
    color = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1).expand(3, 2, 2)
    assert picture(color)[0, 0].tolist() == [30, 20, 10]
    grey = picture(torch.tensor([[[1000.0, 3000.0]]]))
    assert grey[0, 0].tolist() == [0, 0, 0] and grey[0, 1].min() >= 254
    assert picture(torch.full((1, 2, 2), 7.0)).max() == 0


def test_labels_beyond_the_palette_are_black():
    palette = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    painted = paint(torch.tensor([[[0, 1, 2, 255]]]), palette)
    assert painted.tolist() == [[[1, 2, 3], [4, 5, 6], [0, 0, 0], [0, 0, 0]]]


# ---------------------------------------------------------------- precision


def test_bfloat16_on_the_cpu_trains_in_half_precision_with_losses_in_full(pair, make_runner):
    runner = make_runner(pair(), **{'optim_wrapper.type': 'mmfkd.BFloat16OptimWrapper'})
    seen = []
    runner.model.student.model.backbone.conv1.register_forward_hook(
        lambda module, args, output: seen.append(output.dtype))
    batch = next(iter(runner.train_dataloader))
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    logs = runner.model.train_step(batch, runner.optim_wrapper)
    assert seen == [torch.bfloat16]
    assert logs['loss_kd.kl'].dtype == torch.float32 and logs['loss'].isfinite()
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())


# ---------------------------------------------------------------- checkpoints


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'epoch_1.pth'
    args = dict(backend='mmfkd.atomic')
    put(b'old', str(path), backend_args=args)

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.fsync', interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(b'new', str(path), backend_args=args)
    assert path.read_bytes() == b'old'
    assert latest_checkpoint(tmp_path) == (None, 0)
    monkeypatch.undo()
    put(b'newer', str(path), backend_args=args)
    assert path.read_bytes() == b'newer' and os.listdir(tmp_path) == ['epoch_1.pth']


def test_the_atomic_backend_makes_folders_and_replaces(tmp_path):
    path = tmp_path / 'new' / 'file.pth'
    AtomicLocalBackend().put(b'1', path)
    AtomicLocalBackend().put(b'2', path)
    assert path.read_bytes() == b'2' and os.listdir(path.parent) == ['file.pth']


def test_a_run_saves_through_the_atomic_backend(pair, make_runner, tmp_path, monkeypatch):
    written = []
    original = AtomicLocalBackend.put
    monkeypatch.setattr(AtomicLocalBackend, 'put', lambda self, obj, filepath: (
        written.append(os.path.basename(filepath)), original(self, obj, filepath)))
    runner = make_runner(pair(), validate=True, default_hooks=dict(checkpoint=dict(
        type='CheckpointHook', interval=1, save_best='mIoU', rule='greater',
        backend_args=dict(backend='mmfkd.atomic'))))
    runner.train()
    assert {'epoch_1.pth', 'best_mIoU_epoch_1.pth'} <= set(written)
    folder = tmp_path / 'run'
    assert latest_checkpoint(folder) == (folder / 'epoch_1.pth', 1)
    assert best_checkpoint(folder) == folder / 'best_mIoU_epoch_1.pth'
    assert resolve_checkpoint(str(folder)) == folder / 'best_mIoU_epoch_1.pth'
    assert list(folder.glob('*.tmp')) == []


def save(path, age=0, whole=True):
    torch.save(dict(state_dict=dict(x=torch.zeros(1000))), path)
    if not whole:
        path.write_bytes(path.read_bytes()[:-100])
    stamp = 1_000_000 - age
    os.utime(path, (stamp, stamp))
    return path


def test_the_latest_checkpoint_is_the_last_whole_step(tmp_path):
    assert latest_checkpoint(tmp_path) == (None, 0)
    save(tmp_path / 'epoch_9.pth', age=1)
    expected = save(tmp_path / 'epoch_10.pth', age=2)
    save(tmp_path / 'epoch_11.pth', whole=False)
    save(tmp_path / 'best_mIoU_epoch_12.pth')
    save(tmp_path / 'epoch_13.pth.tmp')
    assert latest_checkpoint(tmp_path) == (expected, 10)
    expected = save(tmp_path / 'iter_400.pth')
    assert latest_checkpoint(tmp_path) == (expected, 400)


def test_the_best_checkpoint_is_the_last_whole_one_whatever_the_file_times(tmp_path):
    assert best_checkpoint(tmp_path) is None
    expected = save(tmp_path / 'best_mIoU_epoch_9.pth', age=30)
    save(tmp_path / 'best_mIoU_epoch_8.pth', age=20)
    save(tmp_path / 'best_mIoU_epoch_10.pth', age=10, whole=False)
    save(tmp_path / 'epoch_11.pth')
    assert best_checkpoint(tmp_path) == expected


def test_the_best_checkpoint_of_several_metrics_is_not_guessed(tmp_path):
    save(tmp_path / 'best_mIoU_epoch_9.pth')
    save(tmp_path / 'best_mAcc_epoch_8.pth')
    with pytest.raises(ValueError, match='name one of the files best_mAcc_epoch_8.pth, best_mIoU'):
        resolve_checkpoint(tmp_path)
    (tmp_path / 'summary.json').write_text(json.dumps(dict(
        checkpoint='best_mAcc_epoch_8.pth', test={})))
    assert resolve_checkpoint(tmp_path) == tmp_path / 'best_mAcc_epoch_8.pth'


def test_whole_files_are_told_from_broken_ones(tmp_path):
    assert is_whole(save(tmp_path / 'a.pth'))
    assert not is_whole(save(tmp_path / 'b.pth', whole=False))
    (tmp_path / 'c.pth').write_bytes(b'')
    assert not is_whole(tmp_path / 'c.pth') and not is_whole(tmp_path / 'none.pth')


def test_a_folder_with_only_broken_files_is_refused(tmp_path):
    save(tmp_path / 'best_mIoU_epoch_1.pth', whole=False)
    with pytest.raises(FileNotFoundError, match='holds no best_'):
        resolve_checkpoint(str(tmp_path))


def test_work_dirs_keep_the_folder_of_the_config():
    folders = {str(default_work_dir(f'configs/{method}/nyuv2_depth2rgb.py'))
               for method in ('fdkd', 'kd')}
    assert folders == {os.path.join('work_dirs', method, 'nyuv2_depth2rgb')
                       for method in ('fdkd', 'kd')}
