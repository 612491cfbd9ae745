"""The weak combination of modalities, chosen on validation."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger

from mmfkd.config import load_config
from mmfkd.engine import WeakCombinationHook
from mmfkd.engine.hooks.weak_combination import check_weak_combinations
from mmfkd.models import CrossModalDistiller, ModalityRegularizationLoss


@pytest.fixture
def runner(request):
    """``runner(weak, val_interval)``: what the hook looks at, with a message hub of its own."""
    def make(weak=None, val_interval=1, val_begin=1, subsets=(('ir',), ('rgb',))):
        loss = ModalityRegularizationLoss(['student.weak'], 'student.mask', ('rgb', 'ir'), weak)
        model = SimpleNamespace(losses=dict(loss_mar=loss),
                                student=SimpleNamespace(subsets=subsets,
                                                        modalities=('rgb', 'ir')))
        return SimpleNamespace(
            model=model, cfg={}, epoch=0, max_epochs=20, val_loop=object(),
            message_hub=MessageHub(request.node.name),
            train_loop=SimpleNamespace(val_interval=val_interval, val_begin=val_begin),
            logger=MMLogger('weak'))
    return make


def epochs(hook, runner, scores):
    """Epochs as mmengine runs them: the count rises before the validation."""
    for all_of_them, ir, rgb in scores:
        hook.before_train_epoch(runner)
        runner.epoch += 1
        hook.after_val_epoch(runner, {'mIoU': all_of_them, 'ir/mIoU': ir, 'rgb/mIoU': rgb})
    hook.before_train_epoch(runner)


def test_the_largest_sum_of_squared_gaps_wins(runner):
    """Epochs 1 and 4 do not count; 2 and 3 have 4² + 4² against 5² + 1²."""
    run, hook = runner(), WeakCombinationHook(begin=1, end=3)
    hook.before_train(run)
    epochs(hook, run, [(50, 0, 50), (50, 45, 46), (50, 49, 46)])
    assert run.model.losses['loss_mar'].weak == ('rgb',)
    epochs(hook, run, [(50, 0, 50)])
    assert run.model.losses['loss_mar'].weak == ('rgb',)


def test_it_chooses_behind_the_last_epoch_and_not_before(runner):
    run, hook = runner(), WeakCombinationHook(begin=0, end=2)
    epochs(hook, run, [(50, 40, 50)])
    assert run.model.losses['loss_mar'].weak == ()
    epochs(hook, run, [(50, 40, 50)])
    assert run.model.losses['loss_mar'].weak == ('ir',)


def test_a_given_combination_stays(runner):
    run, hook = runner(weak=['ir'], subsets=()), WeakCombinationHook(begin=0, end=1)
    hook.before_train(run)
    epochs(hook, run, [(50, 50, 0)])
    assert run.model.losses['loss_mar'].weak == ('ir',)


def test_nothing_to_choose_from_is_refused_before_training(runner):
    for beyond in (dict(val_interval=20), dict(val_begin=11)):
        with pytest.raises(ValueError, match='no validation from epoch 7 to 10'):
            WeakCombinationHook().before_train(runner(**beyond))
    for subsets in ((), (('ir', 'rgb'),)):
        with pytest.raises(ValueError, match='the student has no subsets'):
            WeakCombinationHook().before_train(runner(subsets=subsets))
    with pytest.raises(KeyError, match="no loss 'loss_x'"):
        WeakCombinationHook(loss='loss_x').before_train(runner())
    run = runner()
    run.epoch = 7
    with pytest.raises(KeyError, match='ir/mIoU and mIoU are to be among'):
        WeakCombinationHook().after_val_epoch(run, dict(mIoU=3.0))


def test_a_run_of_iterations_is_refused(runner):
    run = runner()
    run.cfg = dict(train_cfg=dict(max_iters=100))
    with pytest.raises(ValueError, match='this run counts iterations: set train_cfg.max_epochs'):
        WeakCombinationHook().before_train(run)


def test_a_run_that_ends_before_the_choice_is_refused(runner):
    run = runner()
    run.max_epochs = 10
    with pytest.raises(ValueError, match='chooses after end=10 epochs, and this run has 10: lower'):
        WeakCombinationHook().before_train(run)
    run.max_epochs = 11
    WeakCombinationHook().before_train(run)


@pytest.fixture
def mmanet():
    """``mmanet(mask, weak, hooks)``: a runner's model and hooks, with the regularisation alone."""
    def make(mask=True, weak=('ir',), hooks=()):
        cfg = load_config('mmanet/streets_rgb-ir', {
            'model.students.student.model.mask': mask,
            'model.losses.loss_mar.weak': list(weak) if weak else None}).model
        model = CrossModalDistiller(dict(student=cfg.students.student),
                                    losses=dict(loss_mar=cfg.losses.loss_mar))
        return SimpleNamespace(model=model, hooks=list(hooks))
    return make


@pytest.mark.parametrize('changes', [
    dict(), dict(mask=[['rgb'], ['ir'], ['rgb', 'ir']]), dict(mask=[['ir']]),
    dict(weak=None, hooks=[WeakCombinationHook()])])
def test_a_combination_that_is_drawn_can_be_learned(mmanet, changes):
    check_weak_combinations(mmanet(**changes))


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(weak=None), r"loss_mar\.weak is None and no hook chooses it, .* default_hooks\.weak="),
    (dict(weak=None, hooks=[WeakCombinationHook('loss_other')]), 'no hook chooses it'),
    (dict(mask=[['rgb'], ['rgb', 'ir']]), r'student\.model\.mask draws no samples with ir alone'),
    (dict(mask=False), 'draws no samples with ir alone'),
    (dict(mask=[['ir'], ['rgb', 'ir']], weak=None, hooks=[WeakCombinationHook()]),
     'draws no samples with rgb alone')])
def test_a_regularisation_that_stays_zero_is_refused(mmanet, changes, message):
    with pytest.raises(ValueError, match=message):
        check_weak_combinations(mmanet(**changes))
