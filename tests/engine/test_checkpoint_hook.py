"""The order of checkpoints: killed anywhere and resumed, a run ends like one that was not."""

import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook

from mmfkd.checkpoints import latest_checkpoint
from mmfkd.engine import AtomicLocalBackend
from mmfkd.engine.hooks import StartCheckHook
from mmfkd.engine.training import prepare_run
from mmfkd.engine.training import test_selected as evaluate_selected
from mmfkd.registry import HOOKS, METRICS

SCORES = (10.0, 30.0, 20.0, 30.0, 25.0)  # the best score twice
EPOCHS = len(SCORES)


class Killed(BaseException):
    """Stands for a kill: nothing that is written later is on disk."""


@METRICS.register_module()
class PlannedMetric(BaseMetric):
    """Scores that were decided before, by the epoch that the evaluated model has reached."""

    epoch = 0

    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(mIoU=SCORES[self.epoch - 1], mAcc=100 - SCORES[self.epoch - 1])


@HOOKS.register_module()
class EpochOfMetricHook(Hook):
    """Tells the metric which epoch it is."""

    def before_val_epoch(self, runner):
        PlannedMetric.epoch = runner.epoch

    before_test_epoch = before_val_epoch


@pytest.fixture
def train(distiller_config, seg_branch, make_runner):
    """``train(name, resume, at, checkpoint)``: a run that ``at(runner, place)`` may kill."""
    student = seg_branch(classes=4)

    def start(name, resume=None, checkpoint=None, hooks=(), teachers=None, **changes):
        changes = {**dict(
            train_cfg=dict(max_epochs=EPOCHS, val_interval=1),
            val_evaluator=dict(type='PlannedMetric'),
            custom_hooks=[dict(type='EpochSeedHook'), dict(type='EpochOfMetricHook'), *hooks],
            param_scheduler=[dict(type='PolyLR', power=0.9, by_epoch=True)],
            default_hooks=dict(checkpoint={**dict(
                type='CheckpointHook', interval=1, max_keep_ckpts=1, save_best='mIoU',
                rule='greater', backend_args=dict(backend='mmfkd.atomic')), **(checkpoint or {})})),
            **changes}
        model = distiller_config(students=dict(student=student), teachers=teachers or {})
        runner = make_runner(model, name, validate=True, resume=resume is not None,
                             load_from=resume and str(resume), **changes)
        runner.register_hook(StartCheckHook())
        return runner
    return start


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def names(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth*'))


PLACES = ['in_epoch', 'after_epoch', 'in_validation', 'after_validation', 'writing_best',
          'after_best', 'writing_step', 'after_step', 'before_removal']


def kill_at(place, epoch, monkeypatch):
    """Raises Killed at a place of an epoch; returns hooks that a run needs for that."""
    put, unlink, now = AtomicLocalBackend.put, os.unlink, dict(epoch=0)

    @HOOKS.register_module(force=True)
    class KillHook(Hook):
        priority = 'VERY_HIGH'

        def before_train_epoch(self, runner):
            now['epoch'] = runner.epoch + 1

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            die('in_epoch')

        def after_train_epoch(self, runner):
            die('after_epoch')

        def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            die('in_validation')

        def after_val_epoch(self, runner, metrics=None):
            die('after_validation')

    def die(here):
        if now['epoch'] == epoch and here == place:
            raise Killed

    def killed_put(self, obj, filepath):
        kind = 'best' if os.path.basename(filepath).startswith('best') else 'step'
        if now['epoch'] == epoch and place == f'writing_{kind}':
            Path(f'{filepath}.tmp').write_bytes(obj[:1000])
        die(f'writing_{kind}')
        put(self, obj, filepath)
        die(f'after_{kind}')

    def killed_unlink(path, *args, **kwargs):
        if str(path).endswith('.pth'):
            die('before_removal')
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(AtomicLocalBackend, 'put', killed_put)
    monkeypatch.setattr(os, 'unlink', killed_unlink)
    return [dict(type='KillHook')]


@pytest.mark.parametrize('epoch', [2, EPOCHS])
@pytest.mark.parametrize('place', PLACES)
def test_killed_anywhere_it_ends_like_a_whole_run(place, epoch, train, tmp_path):
    whole = train('whole')
    whole.train()
    expected = evaluate_selected(whole)
    assert expected['val'] == 30 and Path(expected['checkpoint']).name == 'best_mIoU_epoch_2.pth'

    with pytest.MonkeyPatch.context() as patch:
        hooks = kill_at(place, epoch, patch)
        killed = False
        try:
            train('parts', hooks=hooks).train()
        except Killed:
            killed = True
    # After the second epoch there is no better one.
    assert killed == (epoch == 2 or place not in ('writing_best', 'after_best'))
    newest, step = latest_checkpoint(tmp_path / 'parts')
    assert step >= epoch - 1, 'more than one epoch is lost'

    resumed = train('parts', resume=newest)
    resumed.train()
    found = evaluate_selected(resumed)
    assert (found['val'], Path(found['checkpoint']).name) == (30, 'best_mIoU_epoch_2.pth')
    assert names(tmp_path / 'parts') == names(tmp_path / 'whole') == [
        'best_mIoU_epoch_2.pth', f'epoch_{EPOCHS}.pth']
    for name in names(tmp_path / 'whole'):
        one, other = weights(tmp_path / 'whole' / name), weights(tmp_path / 'parts' / name)
        assert len(one) > 20 and all(torch.equal(one[key], other[key]) for key in one)


def test_there_is_always_a_best_checkpoint_that_the_newest_one_knows(train, tmp_path):
    seen = []
    unlink = os.unlink

    def look(path, *args, **kwargs):
        if str(path).endswith('.pth'):
            newest = latest_checkpoint(tmp_path / 'run')[0]
            assert newest is not None
            best = torch.load(newest, weights_only=False)['message_hub']['runtime_info'][
                'best_ckpt']
            assert Path(best).is_file() and Path(best) != Path(path)
            seen.append(Path(path).name)
        unlink(path, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'unlink', look)
        train('run').train()
    assert 'best_mIoU_epoch_1.pth' in seen and 'epoch_1.pth' in seen


def test_a_moved_work_dir_keeps_its_best_checkpoint(train, tmp_path):
    short = train('first', train_cfg=dict(max_epochs=EPOCHS), hooks=[dict(
        type='EarlyStoppingHook', monitor='mIoU', stopping_threshold=5)])
    short.train()  # ends after the first epoch
    (tmp_path / 'first').rename(tmp_path / 'moved')
    resumed = train('moved', resume=tmp_path / 'moved/epoch_1.pth')
    resumed.train()
    assert not (tmp_path / 'first').exists()
    assert names(tmp_path / 'moved') == ['best_mIoU_epoch_2.pth', f'epoch_{EPOCHS}.pth']


def test_a_best_checkpoint_that_is_gone_is_said_and_replaced(train, tmp_path):
    first = train('run', hooks=[dict(type='EarlyStoppingHook', monitor='mIoU', patience=1)])
    first.train()  # ends after the third epoch
    assert names(tmp_path / 'run') == ['best_mIoU_epoch_2.pth', 'epoch_3.pth']
    (tmp_path / 'run/best_mIoU_epoch_2.pth').unlink()
    resumed = train('run', resume=tmp_path / 'run/epoch_3.pth')
    resumed.train()
    assert Path(evaluate_selected(resumed)['checkpoint']).name == 'best_mIoU_epoch_4.pth'


def test_a_metric_that_validation_does_not_have_is_named(train):
    with pytest.raises(KeyError, match=r"save_best: \['mDice'\] is not among .*mIoU"):
        train('run', checkpoint=dict(save_best='mDice')).train()


def test_several_metrics_each_keep_their_best_and_the_first_selects(train, tmp_path):
    runner = train('run', checkpoint=dict(save_best=['mAcc', 'mIoU']))
    runner.train()
    assert names(tmp_path / 'run') == ['best_mAcc_epoch_1.pth', 'best_mIoU_epoch_2.pth',
                                       f'epoch_{EPOCHS}.pth']
    selected = evaluate_selected(runner)
    assert Path(selected['checkpoint']).name == 'best_mAcc_epoch_1.pth' and selected['val'] == 90


@pytest.mark.parametrize('changes', [
    dict(val_dataloader=None, val_cfg=None, val_evaluator=None), dict(checkpoint=dict(
        save_best=None))], ids=['no validation', 'nothing selects'])
def test_without_a_selection_the_last_checkpoint_is_taken(changes, train, tmp_path):
    runner = train('run', **changes)
    runner.train()
    selected = evaluate_selected(runner)
    assert names(tmp_path / 'run') == [f'epoch_{EPOCHS}.pth'] and selected['val'] is None
    assert Path(selected['checkpoint']).name == f'epoch_{EPOCHS}.pth'


def test_early_stopping_remembers_its_patience(train, tmp_path, monkeypatch):
    stopping = [dict(type='EarlyStoppingHook', monitor='mIoU', patience=2)]
    whole = train('whole', hooks=stopping)
    whole.train()
    assert whole.epoch == 4
    with pytest.MonkeyPatch.context() as patch:
        with pytest.raises(Killed):
            train('parts', hooks=[*stopping, *kill_at('in_epoch', 4, patch)]).train()
    resumed = train('parts', resume=tmp_path / 'parts/epoch_3.pth', hooks=stopping)
    resumed.train()
    assert resumed.epoch == 4
    again = train('parts', resume=tmp_path / 'parts/epoch_4.pth', hooks=stopping)
    again.train()  # it had ended: not another epoch
    assert again.epoch == 4


def test_a_moving_average_is_what_a_resumed_run_tests_too(train, tmp_path):
    average = [dict(type='EMAHook', momentum=0.3)]
    steps = [dict(type='RenderRGBD'), dict(type='StackModalities'), dict(type='PackModalities')]
    test = dict(
        test_dataloader=dict(
            batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='SyntheticRGBD', num_scenes=2, size=(32, 32), pipeline=steps)),
        test_cfg=dict(type='TestLoop'), test_evaluator=dict(type='PlannedMetric'))
    whole = train('whole', hooks=average, **test)
    whole.train()
    path = Path(evaluate_selected(whole)['checkpoint'])
    expected = weights(path)
    resumed = train('whole', resume=tmp_path / f'whole/epoch_{EPOCHS}.pth', hooks=average,
                    **test)
    resumed.train()  # had ended: no epoch is left
    tested = {}

    @HOOKS.register_module(force=True)
    class RecordTestedHook(Hook):
        priority = 'VERY_LOW'

        def before_test_iter(self, runner, batch_idx, data_batch=None):
            tested.update({key: value.clone() for key, value in runner.model.state_dict().items()})

    resumed.register_hook(RecordTestedHook())
    evaluate_selected(resumed)
    assert tested.keys() == expected.keys()
    assert all(torch.equal(tested[key], expected[key]) for key in expected)


# ---------------------------------------------------------------- what is resumed


def test_another_length_is_refused_where_learning_rates_follow_it(train, tmp_path):
    train('run').train()
    longer = train('run', resume=tmp_path / f'run/epoch_{EPOCHS}.pth',
                   train_cfg=dict(max_epochs=9, val_interval=1))
    with pytest.raises(ValueError, match=r'epoch_5\.pth is of a training planned for 5 epochs, '
                                         r'and now for 9.*load_from='):
        longer.train()


def test_a_constant_rate_goes_on_for_longer(train, tmp_path):
    train('run', param_scheduler=None, train_cfg=dict(max_epochs=2)).train()
    longer = train('run', resume=tmp_path / 'run/epoch_2.pth', param_scheduler=None,
                   train_cfg=dict(max_epochs=4))
    longer.train()
    assert longer.epoch == 4 and longer.optim_wrapper.get_lr()['lr'] == [0.01]


def test_a_checkpoint_of_another_network_is_not_resumed(train, seg_branch, distiller_config,
                                                        make_runner, tmp_path):
    train('run').train()
    model = distiller_config(students=dict(student=seg_branch(classes=4, width=4)), teachers={})
    other = make_runner(model, 'other', resume=True,
                        load_from=str(tmp_path / f'run/epoch_{EPOCHS}.pth'))
    other.register_hook(StartCheckHook())
    with pytest.raises(ValueError, match=r'is of another run: .*of another shape'):
        other.train()


def test_other_values_are_not_resumed_and_more_workers_are(train, tmp_path, caplog):
    train('run', train_cfg=dict(max_epochs=2), param_scheduler=None).train()
    start = dict(resume=tmp_path / 'run/epoch_2.pth', train_cfg=dict(max_epochs=3),
                 param_scheduler=None)
    other = train('run', **start, optim_wrapper=dict(optimizer=dict(lr=0.5)))
    with pytest.raises(ValueError, match=r'epoch_2\.pth was trained with optim_wrapper\.optimizer'
                                         r'\.lr=0\.01, and now 0\.5\. .*load_from='):
        other.train()
    more = train('run', **start, **{'train_dataloader.num_workers': 1})
    with caplog.at_level('WARNING', logger='mmengine'):
        more.logger.addHandler(caplog.handler)
        more.train()
    assert more.epoch == 3
    assert [record for record in caplog.messages if 'num_workers=0, and now 1: random' in record]


VALIDATED = dict(train_cfg=dict(max_epochs=2, val_interval=1), param_scheduler=None)


@pytest.mark.parametrize(('changes', 'told'), [
    (dict(checkpoint=dict(save_best='mAcc')), r'hooks\.checkpoint\.save_best=mIoU, and now mAcc'),
    (dict(checkpoint=dict(rule='less')), r'hooks\.checkpoint\.rule=greater, and now less'),
    ({'val_dataloader.dataset.num_scenes': 3}, r'num_scenes=4, and now 3'),
    (dict(val_evaluator=dict(type='PlannedMetric', prefix='x')), r'evaluator\.prefix=None, and'),
    (dict(val_dataloader=None, val_cfg=None, val_evaluator=None), r'num_scenes=4, and now None')])
def test_another_selection_is_not_resumed(changes, told, train, tmp_path):
    train('run', **VALIDATED).train()
    other = train('run', resume=tmp_path / 'run/epoch_2.pth', **{**VALIDATED, **changes})
    with pytest.raises(ValueError, match=rf'epoch_2\.pth was trained with .*{told}.*give the same'):
        other.train()


def test_a_validation_in_other_batches_is_resumed(train, tmp_path):
    train('run', **VALIDATED).train()
    again = train('run', resume=tmp_path / 'run/epoch_2.pth', param_scheduler=None,
                  train_cfg=dict(max_epochs=3, val_interval=1),
                  **{'val_dataloader.batch_size': 1})
    again.train()
    assert again.epoch == 3


def test_a_best_checkpoint_of_an_earlier_version_counts_only_where_one_is_selected(train, tmp_path):
    train('run', **VALIDATED).train()
    path = tmp_path / 'run/epoch_2.pth'
    content = torch.load(path, weights_only=False)
    del content['meta']['selecting']
    torch.save(content, path)
    resumed = train('run', resume=path, param_scheduler=None, train_cfg=dict(max_epochs=3),
                    val_dataloader=None, val_cfg=None, val_evaluator=None)
    resumed.train()
    selected = evaluate_selected(resumed)
    assert Path(selected['checkpoint']).name == 'epoch_3.pth'
    assert selected['val'] is None and selected['val_metrics'] == {}


def test_early_stopping_by_another_metric_is_not_resumed(train, tmp_path):
    stopping = dict(type='EarlyStoppingHook', monitor='mIoU', patience=5)
    train('run', hooks=[stopping], **VALIDATED).train()
    other = train('run', resume=tmp_path / 'run/epoch_2.pth', **VALIDATED,
                  hooks=[dict(stopping, monitor='mAcc')])
    with pytest.raises(ValueError, match=r'epoch_2\.pth was trained with EarlyStoppingHook of '
                                         r'monitor=mIoU, rule=greater, and now of monitor=mAcc'):
        other.train()


def test_a_run_is_not_resumed_under_another_teacher(train, seg_branch, save_teacher, tmp_path):
    branch = seg_branch('depth', classes=4)
    first, other = (dict(teacher=dict(branch, checkpoint=str(save_teacher(branch, name))))
                    for name in ('first.pth', 'other.pth'))
    train('run', teachers=first, train_cfg=dict(max_epochs=2), param_scheduler=None).train()
    start = dict(resume=tmp_path / 'run/epoch_2.pth', train_cfg=dict(max_epochs=3),
                 param_scheduler=None)
    with pytest.raises(ValueError, match=r'epoch_2\.pth was trained under other weights of the '
                                         r'teacher teacher\. .*model\.teachers\.teacher\.check'):
        train('run', teachers=other, **start).train()
    same = train('run', teachers=first, **start)
    same.train()
    assert same.epoch == 3


def test_a_run_with_nothing_to_resume_starts_from_its_weights(tmp_path):
    cfg = Config(dict(load_from='a.pth', resume=False))
    prepare_run(cfg, tmp_path, resume='auto')
    assert (cfg.load_from, cfg.resume) == ('a.pth', False)
    torch.save(dict(meta={}, state_dict={}), tmp_path / 'epoch_1.pth')
    prepare_run(cfg, tmp_path, resume='auto')
    assert (cfg.load_from, cfg.resume) == (str(tmp_path / 'epoch_1.pth'), True)


def test_weights_alone_are_not_resumed(train, tmp_path):
    train('run').train()
    with pytest.raises(ValueError, match=r'holds no optimizer.*can only be started from'):
        train('again', resume=tmp_path / 'run/best_mIoU_epoch_2.pth').train()


# ---------------------------------------------------------------- full disks


def test_a_full_disk_is_said_with_its_numbers_and_leaves_nothing(tmp_path, monkeypatch):
    AtomicLocalBackend().put(b'old', tmp_path / 'epoch_1.pth')

    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match=r'epoch_1\.pth: 5,000 bytes are needed and [\d,]+ are free'):
        AtomicLocalBackend().put(bytes(5000), tmp_path / 'epoch_1.pth')
    assert names(tmp_path) == ['epoch_1.pth']
    assert (tmp_path / 'epoch_1.pth').read_bytes() == b'old'
