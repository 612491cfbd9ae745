"""Losses: what their base does for all, and their values and gradients against loops."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmfkd.models.losses import (
    DistillLoss,
    FeatureLoss,
    FrequencyDecoupledLoss,
    KDLoss,
    PKDLoss,
)

ROOT = Path(__file__).parents[3]
VECTORS, MAPS = (3, 5), (2, 5, 3, 4)


class SumLoss(DistillLoss):
    """The sum of the student and twice the teacher; keeps what it was given."""

    needs_gt = True

    def terms(self, student, teacher, gt):
        self.given = student, teacher, gt
        return dict(a=student.sum() + 2 * teacher.sum(), b=student.mean())


def positions(array):
    """Vectors of an (N, C) or (N, C, H, W) array, one by one."""
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def softmax(vector):
    exp = np.exp(vector - vector.max())
    return exp / exp.sum()


def log_softmax(vector):
    shifted = vector - vector.max()
    return shifted - np.log(np.exp(shifted).sum())


def kd_by_loops(student, teacher, temperature):
    """Value and gradient of Hinton's loss, vector by vector."""
    value, gradients = 0.0, []
    students, teachers = positions(student), positions(teacher)
    for s, t in zip(students, teachers, strict=True):
        p = softmax(t / temperature)
        log_p, log_q = log_softmax(t / temperature), log_softmax(s / temperature)
        value += sum(p[c] * (log_p[c] - log_q[c]) for c in range(len(s)))
        gradients.append(softmax(s / temperature) - p)
    scale = len(students)
    shape = np.moveaxis(student, 1, -1).shape
    gradient = np.moveaxis(np.reshape(gradients, shape), -1, 1) * temperature / scale
    return temperature ** 2 * value / scale, gradient


def mse_by_loops(student, teacher):
    value, gradient = 0.0, np.zeros_like(student)
    for index in np.ndindex(student.shape):
        difference = student[index] - teacher[index]
        value += difference ** 2 / student.size
        gradient[index] = 2 * difference / student.size
    return value, gradient


def value_and_gradient(loss, student, teacher):
    student = torch.tensor(student, dtype=torch.float32, requires_grad=True)
    terms = loss(student, torch.tensor(teacher, dtype=torch.float32))
    total = sum(terms.values())
    total.backward()
    return total.item(), student.grad.numpy()


@pytest.mark.parametrize('shape', [VECTORS, MAPS])
@pytest.mark.parametrize('temperature', [1.0, 4.0, 0.5])
def test_kd_is_hintons_loss_averaged_over_positions(shape, temperature):
    student, teacher = np.random.randn(2, *shape) * 3
    value, gradient = value_and_gradient(KDLoss(temperature=temperature), student, teacher)
    expected_value, expected_gradient = kd_by_loops(student, teacher, temperature)
    assert value == pytest.approx(expected_value, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize('temperature', [1.0, 4.0])
def test_kd_is_exact_at_saturated_logits(temperature):
    student = np.array([[50.0, -50.0, 0.0], [-50.0, 50.0, -50.0], [50.0, -50.0, -50.0]])
    teacher = np.array([[-50.0, 50.0, 0.0], [-50.0, 50.0, -50.0], [50.0, 50.0, -50.0]])
    value, gradient = value_and_gradient(KDLoss(temperature=temperature), student, teacher)
    expected_value, expected_gradient = kd_by_loops(student, teacher, temperature)
    assert value == pytest.approx(expected_value, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-7)


def test_kd_of_equal_logits_is_zero():
    logits = np.random.randn(*MAPS) * 20
    value, gradient = value_and_gradient(KDLoss(), logits, logits)
    assert value == pytest.approx(0, abs=1e-6) and np.abs(gradient).max() < 1e-6


def test_kd_does_not_grow_with_the_image():
    student, teacher = np.random.randn(2, *MAPS)
    tile = (1, 1, 2, 2)
    small = value_and_gradient(KDLoss(), student, teacher)[0]
    large = value_and_gradient(KDLoss(), np.tile(student, tile), np.tile(teacher, tile))[0]
    assert large == pytest.approx(small, rel=1e-5)


@pytest.mark.parametrize('temperature', [0, -1.0])
def test_a_temperature_must_be_above_zero(temperature):
    with pytest.raises(ValueError, match=f'temperature={temperature} must be above 0'):
        KDLoss(temperature=temperature)


@pytest.mark.parametrize('shape', [VECTORS, MAPS, (2, 3, 4)])
def test_feature_loss_is_the_mean_squared_error(shape):
    student, teacher = np.random.randn(2, *shape)
    value, gradient = value_and_gradient(FeatureLoss(), student, teacher)
    expected_value, expected_gradient = mse_by_loops(student, teacher)
    assert value == pytest.approx(expected_value, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(('loss', 'terms', 'tap'), [
    (KDLoss, {'kl'}, 'logits'), (FeatureLoss, {'mse'}, 'feat'),
    (FrequencyDecoupledLoss, {'low', 'high'}, 'feat')])
def test_terms_and_default_taps(loss, terms, tap):
    loss = loss()
    assert loss.inputs == dict(student=f'student.{tap}', teacher=f'teacher.{tap}')
    assert set(loss(torch.randn(VECTORS), torch.randn(VECTORS))) == terms


def test_taps_are_what_the_config_says():
    assert FeatureLoss('a.x', 'b.y').inputs == dict(student='a.x', teacher='b.y')


def test_every_term_is_weighted():
    student, teacher, gt = torch.randn(VECTORS), torch.randn(VECTORS), torch.zeros(3)
    plain = SumLoss('s.x', 't.x')(student, teacher, gt)
    weighted = SumLoss('s.x', 't.x', weight=2.5)(student, teacher, gt)
    assert set(weighted) == {'a', 'b'}
    for name, value in plain.items():
        assert weighted[name] == pytest.approx(2.5 * value.item(), rel=1e-6)


def test_the_weight_can_change_between_steps():
    loss = FeatureLoss()
    student, teacher = torch.ones(VECTORS), torch.zeros(VECTORS)
    loss.weight = 0.25
    assert loss(student, teacher)['mse'].item() == 0.25


def test_labels_reach_the_terms_and_are_asked_for():
    loss, gt = SumLoss('s.x', 't.x'), torch.zeros(3)
    loss(torch.randn(VECTORS), torch.randn(VECTORS), gt)
    assert loss.given[2] is gt
    with pytest.raises(ValueError, match=r'SumLoss needs labels \(gt\)'):
        loss(torch.randn(VECTORS), torch.randn(VECTORS))


def test_no_gradient_reaches_the_teacher():
    student = torch.randn(VECTORS, requires_grad=True)
    teacher = torch.randn(VECTORS, requires_grad=True)
    for loss in (KDLoss(), FeatureLoss(), FrequencyDecoupledLoss()):
        sum(loss(student, teacher).values()).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
def test_terms_are_computed_in_float32_under_autocast(dtype):
    student, teacher = torch.randn(2, *MAPS).to(dtype)
    adapter = dict(type='Conv2d', in_channels=5, out_channels=5, kernel_size=1)
    loss = SumLoss('s.x', 't.x', adapter=adapter)
    with torch.autocast('cpu', torch.bfloat16):
        terms = loss(student, teacher, torch.zeros(2))
        assert torch.is_autocast_enabled('cpu')
    assert all(value.dtype == torch.float32 for value in terms.values())
    assert torch.equal(loss.given[0], loss.adapter(student.float()))
    assert torch.equal(loss.given[1], teacher.float())


@pytest.mark.parametrize('loss', [KDLoss(), FeatureLoss(), FrequencyDecoupledLoss()])
def test_autocast_changes_no_value(loss):
    student, teacher = torch.randn(2, *MAPS).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        inside = loss(student, teacher)
    for name, value in loss(student.float(), teacher.float()).items():
        assert inside[name].dtype == torch.float32 and torch.equal(inside[name], value)


def test_the_adapter_maps_the_student_alone():
    loss = SumLoss('s.x', 't.x', adapter=dict(type='Linear', in_features=7, out_features=5))
    student, teacher = torch.randn(3, 7), torch.randn(VECTORS)
    loss(student, teacher, torch.zeros(3))
    assert torch.equal(loss.given[0], loss.adapter(student))
    assert torch.equal(loss.given[1], teacher)


def test_the_students_map_is_resized_to_the_teachers():
    student = torch.tensor([0.0, 4.0]).expand(1, 1, 2, 2)
    teacher = torch.zeros(1, 1, 4, 4)
    loss = SumLoss('s.x', 't.x')
    loss(student, teacher, torch.zeros(1))
    assert loss.given[0].shape == (1, 1, 4, 4)
    assert loss.given[0][0, 0].unique(dim=0).tolist() == [[0, 1, 3, 4]]
    assert torch.equal(loss.given[1], teacher)


@pytest.mark.parametrize(('student', 'teacher'), [
    ((2, 8, 4, 4), (2, 16, 2, 2)), ((2, 8), (2, 16)), ((2, 6, 8), (2, 6, 16))])
def test_the_adapter_that_a_mismatch_proposes_works(student, teacher):
    student, teacher = torch.randn(student), torch.randn(teacher)
    with pytest.raises(ValueError) as error:
        FeatureLoss('a.feat', 'b.map')(student, teacher)
    message = str(error.value)
    for part in ('FeatureLoss', "'a.feat'", "'b.map'", str(tuple(teacher.shape)),
                 f'({student.shape[0]}, {student.shape[1]}'):
        assert part in message
    loss = FeatureLoss(adapter=proposed(message))
    assert loss(student, teacher)['mse'].isfinite()


def test_the_adapter_proposed_for_a_wrong_adapter_works():
    student, teacher = torch.randn(2, 8, 4, 4), torch.randn(2, 16, 4, 4)
    wrong = dict(type='Conv2d', in_channels=8, out_channels=12, kernel_size=1)
    with pytest.raises(ValueError) as error:
        FeatureLoss(adapter=wrong)(student, teacher)
    loss = FeatureLoss(adapter=proposed(str(error.value)))
    assert loss(student, teacher)['mse'].isfinite()


def proposed(message):
    """The adapter's config that a message contains."""
    call = ast.parse(message.split('adapter=')[1].strip(), mode='eval').body
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}


def test_vectors_against_maps_ask_for_places_of_the_same_kind():
    with pytest.raises(ValueError, match='Tap places of the same kind') as error:
        FeatureLoss()(torch.zeros(2, 8), torch.zeros(2, 8, 4, 4))
    assert '(2, 8)' in str(error.value) and '(2, 8, 4, 4)' in str(error.value)


def test_adapters_are_found_when_only_the_losses_are_imported():
    code = """
from mmfkd.models.losses import FeatureLoss
FeatureLoss(adapter=dict(type='Conv2d', in_channels=8, out_channels=16, kernel_size=1))
FeatureLoss(adapter=dict(type='Linear', in_features=8, out_features=16))
"""
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_adapter_is_trained_and_kept_under_losses_alone(distiller, seg_branch, save_teacher,
                                                        seg_batch):
    wide = seg_branch('depth', width=12)
    adapter = dict(type='Conv2d', in_channels=16, out_channels=24, kernel_size=1)
    model = distiller(dict(loss_feature=dict(type='FeatureLoss', adapter=adapter)),
                      teachers=dict(teacher=dict(wide, checkpoint=str(save_teacher(wide)))))
    weight = 'losses.loss_feature.adapter.weight'
    assert model.state_dict()[weight].shape == (24, 16, 1, 1)
    assert weight in dict(model.named_parameters())
    assert not any('adapter' in key for key in model.students.state_dict())

    before = model.state_dict()[weight].clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = model(**model.data_preprocessor(seg_batch(), True), mode='loss')
    losses['loss_feature.mse'].backward()
    optimizer.step()
    assert not torch.equal(model.state_dict()[weight], before)


def test_space_has_no_frequencies_in_a_vector():
    x = torch.randn(4, 8)
    with pytest.raises(ValueError, match=r'dim=\(-2, -1\) asks for the space of a map'):
        FrequencyDecoupledLoss(dim=(-2, -1))(x, x)


@pytest.mark.parametrize('kind', [FrequencyDecoupledLoss, PKDLoss])
def test_frames_are_no_channels(kind):
    clips = torch.randn(2, 3, 8, 4, 4)
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 4, 4\) are frames: name the tap in 'pool'"):
        kind()(clips, clips)
