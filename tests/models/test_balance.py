"""Balanced losses: their gradient beside the task's, against norms taken by another way."""

import copy
from functools import partial

import pytest
import torch
from mmengine.config import ConfigDict
from mmpretrain.structures import DataSample

from mmfkd.analysis.untrained import build_model, random_data
from mmfkd.config import load_config
from mmfkd.engine import LossWeightHook
from mmfkd.engine.hooks import StartCheckHook
from mmfkd.models import KDLoss, LossBalance
from mmfkd.models.balance import LossBalances, gradient_norm
from mmfkd.models.gradients import gradients as gradients_at

KD = dict(type='KDLoss')
FEATURE = dict(type='FeatureLoss')
FDKD = dict(type='FrequencyDecoupledLoss')


def gradients(model, batch, taps):
    """What to tap to gradients of the task or a loss there, by backward on retained tensors."""
    found = {}
    for what in ('task', *model.losses):
        twin, kept = copy.deepcopy(model), {}

        def keep(module, args, output, tap, kept):
            output.retain_grad()
            kept[tap] = output

        for tap in taps:
            place = twin.student.model.get_submodule(twin.student.taps._taps[tap].path)
            place.register_forward_hook(partial(keep, tap=tap, kept=kept))
        torch.manual_seed(1)
        values = twin(**twin.data_preprocessor(copy.deepcopy(batch), True), mode='loss')
        for tensor in kept.values():
            tensor.grad = None  # what the measurement itself has left
        prefix = 'student.' if what == 'task' else f'{what}.'
        sum(value for key, value in values.items()
            if key.startswith(prefix) and 'loss' in key).backward()
        found[what] = {tap: tensor.grad for tap, tensor in kept.items()}
    return found


def balanced(distiller, losses, seg_branch, batch, **balance):
    """A model after one forward pass with balances, and the same one without, on equal dropout."""
    students = dict(student=dict(seg_branch(), taps=dict(
        feat='backbone.layer2', logits='decode_head.conv_seg')))
    plain = distiller(losses, students=students)
    model = distiller({name: dict(loss, balance=balance) for name, loss in losses.items()},
                      students=students)
    model.students.load_state_dict(plain.students.state_dict())
    model.teachers = plain.teachers
    model.losses.load_state_dict(plain.losses.state_dict())
    torch.manual_seed(1)
    values = model(**model.data_preprocessor(copy.deepcopy(batch), True), mode='loss')
    return plain, model, values


@pytest.mark.parametrize('ratio', [0.25, 1.0, 3.0])
def test_weights_are_quotients_of_the_norms(ratio, distiller, seg_branch, seg_batch):
    batch = seg_batch()
    losses = dict(loss_kd=KD, loss_feature=dict(FEATURE, weight=7.0))
    plain, model, values = balanced(distiller, losses, seg_branch, batch, ratio=ratio)
    grads = gradients(plain, batch, ['feat', 'logits'])
    for name, tap in (('loss_kd', 'logits'), ('loss_feature', 'feat')):
        task, own = (grads[what][tap].double().norm() for what in ('task', name))
        balance = model.balances[name]
        assert balance.weight.item() == pytest.approx(ratio * (task / own).item(), rel=1e-5)
        assert balance.share.item() == pytest.approx(ratio, rel=1e-6)
        assert values[f'{name}.{"kl" if name == "loss_kd" else "mse"}'].requires_grad
    assert model.balances['loss_kd'].weight.item() != pytest.approx(
        model.balances['loss_feature'].weight.item(), rel=0.1)


def test_the_gradient_that_trains_has_the_ratio(distiller, seg_branch, seg_batch):
    batch = seg_batch()
    _, model, _ = balanced(distiller, dict(loss_feature=FEATURE), seg_branch, batch, ratio=0.5)
    grads = gradients(model, batch, ['feat'])
    task, own = (grads[what]['feat'].norm() for what in ('task', 'loss_feature'))
    # ``gradients`` copies the model, whose average then takes the same norms in once more.
    assert (own / task).item() == pytest.approx(0.5, rel=1e-5)


def test_averages_are_those_of_a_loop():
    balance, own, reference = LossBalance(ratio=2.0, interval=1, decay=0.9), 0.0, 0.0
    for step in range(1, 6):
        assert balance.tick()
        balance.update(torch.tensor(float(step)), torch.tensor(1.0 / step))
        own, reference = 0.9 * own + 0.1 * step, 0.9 * reference + 0.1 / step
        assert balance.weight.item() == pytest.approx(2 * reference / own, rel=1e-6)


def test_norms_are_measured_at_powers_of_two_and_at_intervals():
    balance = LossBalance(interval=10)
    assert [step for step in range(41) if balance.tick()] == [0, 1, 2, 4, 8, 10, 16, 20, 30, 32, 40]


def test_steps_that_were_skipped_age_the_average():
    balance = LossBalance(decay=0.5, interval=4)
    for step in range(5):
        if balance.tick():
            balance.update(torch.tensor(1.0 + step), torch.tensor(1.0))
    # Measured are 0, 1, 2 and 4; two steps halve what there is twice.
    own = 0.5 * 1
    for value, left in ((2, 0.5), (3, 0.5), (5, 0.25)):
        own = left * own + (1 - left) * value
    assert balance.own.item() == pytest.approx(own)


def test_what_is_zero_or_infinite_is_no_measurement():
    balance = LossBalance()
    balance.tick()
    for own, reference in ((0.0, 1.0), (1.0, 0.0), (float('nan'), 1.0), (1.0, float('inf'))):
        balance.update(torch.tensor(own), torch.tensor(reference))
    assert balance.weight.item() == 1.0


def ignored(batch):
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data.fill_(255)
    return batch


def test_without_labels_the_first_loss_is_the_reference(distiller, seg_branch, seg_batch):
    batch = ignored(seg_batch())
    losses = dict(loss_kd=dict(KD, weight=3.0), loss_feature=FEATURE)
    plain, model, _ = balanced(distiller, losses, seg_branch, batch, ratio=2.0)
    grads = gradients(plain, batch, ['feat'])
    kd, feature = (grads[name]['feat'].norm() for name in ('loss_kd', 'loss_feature'))
    assert model.balances['loss_kd'].weight.item() == pytest.approx(2.0)
    assert model.balances['loss_feature'].weight.item() == pytest.approx(
        2 * (kd / feature).item(), rel=1e-5)


def test_without_labels_each_student_has_a_reference_of_its_own(distiller, seg_branch, seg_batch):
    """Weights of two students are those that each has beside the teacher alone."""
    students = {name: seg_branch('rgb') for name in ('one', 'two')}
    losses = {f'loss_{kind}_{name}': dict(cfg, student=f'{name}.{tap}', teacher=f'teacher.{tap}',
                                          balance=dict())
              for name in students for kind, tap, cfg in (('kd', 'logits', KD),
                                                          ('feature', 'feat', FEATURE))}
    model = distiller(losses, students=students)
    model.students['two'].load_state_dict(model.students['one'].state_dict())
    model.students['two'].eval()
    model.students['one'].eval()
    model(**model.data_preprocessor(ignored(seg_batch()), True), mode='loss')
    for kind in ('kd', 'feature'):
        one, two = (model.balances[f'loss_{kind}_{name}'].weight.item() for name in students)
        assert one == pytest.approx(two, rel=1e-5) and one > 0
    assert model.balances['loss_kd_two'].weight.item() == 1.0


def test_a_batch_without_labels_is_left_out(distiller, seg_branch, seg_batch):
    _, model, _ = balanced(distiller, dict(loss_kd=KD), seg_branch, seg_batch(), ratio=1.0)
    before = model.balances['loss_kd'].weight.item()
    model(**model.data_preprocessor(ignored(seg_batch()), True), mode='loss')
    assert model.balances['loss_kd'].weight.item() == before
    assert model.balances['loss_kd'].step.item() == 2


def test_what_was_measured_before_the_first_label_is_no_reference():
    balances = LossBalances({'loss_kd': LossBalance(ratio=1.0)})
    loss = KDLoss(student='student.feat')
    for step in range(20):
        x = torch.ones(8, 4, requires_grad=True)
        task = 0 * x.sum() if step == 0 else 0.01 * x.sum()
        terms = balances.weighted({'loss_kd': loss}, {'student': {'loss': task}},
                                  {'loss_kd': {'kl': x.sum()}}, {'student.feat': x},
                                  [DataSample().set_gt_label(-100 if step == 0 else 1)])
        weight = terms['loss_kd']['kl'].item() / 32
        assert weight == pytest.approx(1 if step == 0 else 0.01)


def test_a_task_that_does_not_reach_the_tap_is_no_missing_label():
    x, y = (torch.ones(8, 4, requires_grad=True) for _ in range(2))
    for task in (0 * x.sum(), y.sum()):
        balances = LossBalances({'loss_kd': LossBalance(ratio=1.0)})
        with pytest.raises(ValueError, match='loss_kd.balance: the task .* does not reach student'):
            balances.weighted({'loss_kd': KDLoss(student='student.feat')},
                              {'student': {'loss': task}}, {'loss_kd': {'kl': x.sum()}},
                              {'student.feat': x}, [DataSample().set_gt_label(1)])


@pytest.mark.parametrize('dims', [(4, 3), (4, 3, 5, 5)])
def test_the_gradient_at_a_part_is_that_of_all_that_its_values_enter(dims):
    """As of a modality in a stacked batch, of which decoders get a part and stages the whole."""
    images = torch.randn(dims, requires_grad=True)
    for layout in (torch.contiguous_format, torch.channels_last)[:len(dims) // 2]:
        stacked = (2 * images).contiguous(memory_format=layout)
        _, second = stacked.chunk(2)
        total = (second ** 2).sum() + (stacked ** 3).sum()
        found, = gradients_at(total, [second])
        assert torch.allclose(found, 2 * second + 3 * second ** 2)


@pytest.mark.parametrize('stage', [1, 2, 3, 4])
def test_the_task_reaches_every_stage_of_one_modality(stage):
    """Balance and look are taken where the network goes on: at the rows of the stacked maps."""
    cfg = load_config('csknet/streets_rgb-ir')
    model = build_model(cfg).train()
    batch = random_data(model, (32, 32), 2)
    data = model.data_preprocessor(batch, True)
    name = f'infrared{stage + 1}'
    with model.student.taps.recording([name]) as places:
        done = model.training_pass(data['inputs'], data['data_samples'])
        task, _ = model.parse_losses(done.tasks['student'])
    norm = gradient_norm([task], [places[name]])
    whole, = torch.autograd.grad(task, [places[name]._base], retain_graph=True)
    assert norm.item() == pytest.approx(whole[2:].norm().item(), rel=1e-5) and norm > 0


def test_a_ratio_of_zero_is_no_loss_from_the_start():
    assert LossBalance(ratio=0).weight == 0 and LossBalance(ratio=0.1).weight == 1


def test_the_reference_must_reach_the_tap(distiller, seg_branch, seg_batch):
    with pytest.raises(ValueError, match='loss_kd.balance: no sample has a label, .* loss_feature '
                                         'does not reach student.logits: put a loss between log'):
        balanced(distiller, dict(loss_feature=FEATURE, loss_kd=KD), seg_branch,
                 ignored(seg_batch()), ratio=1.0)


def test_some_terms_are_balanced_and_the_others_are_as_they_were(distiller, seg_branch, seg_batch):
    batch = seg_batch()
    head = dict(type='BandClassifier', in_channels=16, num_classes=4)
    plain, model, values = balanced(distiller, dict(loss_fdkd=dict(FDKD, align=head)), seg_branch,
                                    batch, ratio=1.0, terms=['low', 'high'])
    torch.manual_seed(1)
    bare = plain(**plain.data_preprocessor(copy.deepcopy(batch), True), mode='loss')
    weight = model.balances['loss_fdkd'].weight.item()
    assert abs(weight - 1) > 0.05
    for term, factor in dict(low=weight, high=weight, align_student=1, align_teacher=1).items():
        assert values[f'loss_fdkd.{term}'].item() == pytest.approx(
            factor * bare[f'loss_fdkd.{term}'].item(), rel=1e-5)


@pytest.mark.parametrize(('balance', 'message'), [
    (dict(ratio=-1), 'ratio=-1'), (dict(interval=0), 'interval=0'), (dict(decay=1.0), 'decay=1')])
def test_a_wrong_balance_is_refused(balance, message, distiller):
    with pytest.raises(ValueError, match=message):
        distiller(dict(loss_kd=dict(KD, balance=balance)))


def test_a_balance_of_nothing_is_refused(distiller):
    with pytest.raises(ValueError, match='loss_kd: weight=0 leaves nothing to balance'):
        distiller(dict(loss_kd=dict(KD, weight=0, balance=dict())))


def test_a_balance_on_what_is_not_trained_is_refused(distiller, seg_batch):
    swapped = dict(KD, student='teacher.logits', teacher='student.logits', balance=dict())
    with pytest.raises(ValueError, match="loss_kd.balance: student='teacher.logits' is no tap"):
        distiller(dict(loss_kd=swapped))
    frozen = distiller(dict(loss_feature=dict(FEATURE, balance=dict())))
    frozen.student.model.backbone.requires_grad_(False)
    with pytest.raises(ValueError, match='loss_feature teaches nothing, .* ends at student.feat'):
        frozen(**frozen.data_preprocessor(seg_batch(), True), mode='loss')


def test_a_tap_before_blocks_that_are_computed_twice_is_refused(distiller, seg_branch, seg_batch):
    students = dict(student=dict(seg_branch(), taps=dict(feat='backbone.layer1')))
    model = distiller(dict(loss_feature=dict(
        FEATURE, adapter=dict(type='Conv2d', in_channels=8, out_channels=16, kernel_size=1),
        balance=dict())), students=students)
    data = model.data_preprocessor(seg_batch(), True)
    assert 'loss_feature.mse' in model(**data, mode='loss')
    model.student.model.backbone.layer2[0].with_cp = True
    with pytest.raises(ValueError, match='with_cp=True: set with_cp=False .* METHOD-paper'):
        model(**data, mode='loss')


def test_an_unknown_term_is_refused(distiller, seg_batch):
    model = distiller(dict(loss_kd=dict(KD, balance=dict(terms=['rest']))))
    with pytest.raises(ValueError, match=r"loss_kd.balance: no terms \['rest'\]; .* \['kl'\]"):
        model(**model.data_preprocessor(seg_batch(), True), mode='loss')


def test_weights_and_shares_are_logged_and_not_summed(distiller, seg_batch):
    model = distiller(dict(loss_kd=dict(KD, balance=dict())))
    values = model(**model.data_preprocessor(seg_batch(), True), mode='loss')
    total, logged = model.parse_losses(values)
    assert total.item() == pytest.approx(sum(
        value.item() for key, value in values.items() if 'loss' in key))
    assert logged['loss_kd.weight'].item() == pytest.approx(model.balances['loss_kd'].weight.item())
    assert logged['loss_kd.share'].item() == pytest.approx(1.0, rel=1e-5)


def test_nothing_is_measured_in_evaluation(distiller, seg_batch):
    model = distiller(dict(loss_kd=dict(KD, balance=dict()))).eval()
    model(**model.data_preprocessor(seg_batch(), True), mode='loss')
    assert model.balances['loss_kd'].step.item() == 0


def test_half_precision_does_not_round_the_norms_to_zero():
    x = torch.full((1, 1000), 1e-3, dtype=torch.float16, requires_grad=True)
    # A gradient of 1e-8, which float16 does not have.
    norm = gradient_norm([1e-6 * (x.float() * 1e-2).sum()], [x])
    assert norm.item() == pytest.approx(1e-8 * 1000 ** 0.5, rel=0.05)


def test_half_precision_behind_a_place_does_not_round_the_norm_to_zero():
    """As of a LayerNorm, which autocast leaves in float32, before a head in float16."""
    x = torch.full((1, 1000), 1e-3, requires_grad=True)
    norm = gradient_norm([1e-6 * (x.half() * 1e-2).float().sum()], [x])
    assert norm.item() == pytest.approx(1e-8 * 1000 ** 0.5, rel=0.05)


def test_half_precision_does_not_overflow_the_norms():
    x = torch.ones(1, 4, dtype=torch.float16, requires_grad=True)
    norm = gradient_norm([100 * x.float().sum()], [x])  # times 2 ** 16 it is beyond float16
    assert norm.item() == pytest.approx(200.0)


def test_terms_that_are_switched_off_are_no_fault(distiller, seg_batch):
    loss = dict(FDKD, high_weight=0, balance=dict(terms=['low', 'high']))
    model = distiller(dict(loss_fdkd=loss))
    model(**model.data_preprocessor(seg_batch(), True), mode='loss')
    assert model.balances['loss_fdkd'].own > 0


def train(make_runner, config, name, epochs=2, balance=None, **changes):
    losses = dict(loss_feature=dict(FEATURE, balance=balance))
    runner = make_runner(config(losses), name, train_cfg=dict(
        type='EpochBasedTrainLoop', max_epochs=epochs), **changes)
    runner.train()
    return runner


@pytest.fixture
def small(distiller_config, seg_branch):
    """``small(losses)``: a config with the classes of the rendered scenes."""
    config = distiller_config(make=lambda modality='rgb': seg_branch(modality, classes=4))
    return lambda losses: ConfigDict(copy.deepcopy(config), losses=losses)


def weights(runner):
    return {key: value for key, value in runner.model.state_dict().items()
            if not key.startswith('balances')}


def test_a_fixed_weight_of_the_same_value_trains_the_same(make_runner, small):
    """Measured once, the balance is a fixed weight."""
    run = train(make_runner, small, 'balanced', balance=dict(interval=10 ** 6, decay=0.0))
    history = run.message_hub.log_scalars['train/loss_feature.weight'].data[0]
    assert len(set(history.tolist())) == 3  # of four steps, measured at the steps 0, 1, 2
    values = iter(history.tolist())

    def follow(module, args):
        module.weight = next(values)

    runner = make_runner(small(dict(loss_feature=FEATURE)), 'fixed', train_cfg=dict(
        type='EpochBasedTrainLoop', max_epochs=2))
    runner.model.losses['loss_feature'].register_forward_pre_hook(follow)
    runner.train()
    one, other = weights(run), weights(runner)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_resumed_run_goes_on_with_the_same_weights(make_runner, small, tmp_path):
    options = dict(balance=dict(interval=3), custom_hooks=[dict(type='EpochSeedHook')],
                   default_hooks=dict(checkpoint=dict(
        type='CheckpointHook', interval=1)))
    whole = train(make_runner, small, 'whole', epochs=3, **copy.deepcopy(options))
    parts = train(make_runner, small, 'parts', epochs=3, resume=True,
                  load_from=str(tmp_path / 'whole/epoch_1.pth'), **copy.deepcopy(options))
    one, other = whole.model.state_dict(), parts.model.state_dict()
    assert {'balances.loss_feature.own', 'balances.loss_feature.step'} <= one.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert one['balances.loss_feature.step'].item() == 6


def test_a_run_that_starts_from_weights_measures_anew(make_runner, small, tmp_path):
    options = dict(balance=dict(interval=3), default_hooks=dict(checkpoint=dict(
        type='CheckpointHook', interval=1)))
    first = train(make_runner, small, 'first', **copy.deepcopy(options))
    later = make_runner(small(dict(loss_feature=dict(FEATURE, balance=dict(interval=3)))), 'later',
                        load_from=str(tmp_path / 'first/epoch_2.pth'))
    later.register_hook(StartCheckHook())
    later.call_hook('before_run')
    later.load_or_resume()
    one, other = first.model.state_dict(), later.model.state_dict()
    assert other['balances.loss_feature.step'] == 0 != one['balances.loss_feature.step']
    assert all(torch.equal(one[key], other[key]) for key in one if key.startswith('students.'))


def test_a_schedule_moves_the_ratio(make_runner, small):
    runner = make_runner(small(dict(loss_feature=dict(FEATURE, balance=dict(ratio=0.0)))), 'ramp',
                         train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=3))
    runner.register_hook(LossWeightHook('loss_feature', start=0.0, stop=2.0, begin=0, end=2))
    runner.train()
    history = runner.message_hub.log_scalars['train/loss_feature.weight'].data[0].tolist()
    assert history[:2] == [0.0, 0.0] and 0 < history[2] < history[4]
    assert runner.model.balances['loss_feature'].ratio == 2.0
