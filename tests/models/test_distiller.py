"""The distiller: what it trains, what it leaves alone, what it refuses."""

import copy

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import OptimWrapper
from mmseg.models import SegDataPreProcessor

from mmfkd.models import CrossModalDistiller
from mmfkd.models.branch import Branch
from mmfkd.registry import MODELS

HEADS = dict(type='BandClassifier', in_channels=16, num_classes=4)
FDKD = dict(type='FrequencyDecoupledLoss')
FDKD_HEADS = dict(FDKD, align=HEADS, task=HEADS)
KD = dict(type='KDLoss')
FEATURE = dict(type='FeatureLoss')
ADAPTED = dict(FEATURE, adapter=dict(type='Conv2d', in_channels=16, out_channels=16,
                                     kernel_size=1))
METHODS = dict(fdkd=FDKD, fdkd_heads=FDKD_HEADS, kd=KD, feature=FEATURE, adapted=ADAPTED)


def state(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def same(a, b):
    return set(a) == set(b) and all(torch.equal(a[key], b[key]) for key in a)


def losses_of(model, batch):
    return model(**model.data_preprocessor(copy.deepcopy(batch), True), mode='loss')


def step(model, batch, lr=0.1):
    """One step as a runner makes it, with the same dropout each time."""
    torch.manual_seed(1)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = OptimWrapper(torch.optim.SGD(trained, lr=lr))
    return model.train_step(copy.deepcopy(batch), optimizer)


def twin_of(model, **kwargs):
    """Another model whose students have the same weights."""
    twin = MODELS.build(ConfigDict(**kwargs))
    twin.students.load_state_dict(model.students.state_dict())
    return twin


# ---------------------------------------------------------------- the frozen teacher


def test_steps_leave_the_teacher_as_it_was_and_change_the_student(distiller, seg_batch):
    model = distiller(dict(loss_fdkd=FDKD_HEADS, loss_kd=KD))
    teacher, student = state(model.teachers['teacher']), state(model.students)
    for _ in range(3):
        model.train()
        step(model, seg_batch())
    assert any('running_mean' in key for key in teacher)
    assert same(teacher, state(model.teachers['teacher']))
    moved = [key for key, value in model.students.state_dict().items()
             if not torch.equal(value, student[key])]
    assert any('conv1.weight' in key for key in moved)
    assert any('running_mean' in key for key in moved)


def test_the_teacher_stays_in_eval_mode(distiller):
    model = distiller(dict(loss_kd=KD))
    model.train()
    assert model.student.model.training
    assert not any(module.training for module in model.teachers['teacher'].modules())


def test_the_teacher_is_registered_nowhere(distiller):
    model = distiller(dict(loss_kd=KD))
    own = {id(x) for x in (*model.parameters(), *model.buffers(), *model.modules())}
    teacher = model.teachers['teacher']
    assert not own & {id(x) for x in (*teacher.parameters(), *teacher.buffers(),
                                      *teacher.modules())}
    assert all(key.startswith('students.student.model.') for key in model.state_dict())
    assert not any(p.requires_grad for p in teacher.parameters())


def test_the_teachers_weights_are_the_checkpoints(distiller, seg_branch, save_teacher):
    branch = seg_branch('depth')
    path = save_teacher(branch)
    model = distiller(teachers=dict(teacher=dict(branch, checkpoint=str(path))))
    saved = torch.load(path)['state_dict']
    loaded = model.teachers['teacher'].model.state_dict()
    assert same(loaded, {key.removeprefix('students.student.model.'): value
                         for key, value in saved.items()})


def test_copies_share_the_teacher_and_own_the_student(distiller, seg_batch):
    model = distiller(dict(loss_kd=KD))
    averaged = ExponentialMovingAverage(model, momentum=0.5).module
    assert averaged.teachers['teacher'] is model.teachers['teacher']
    assert averaged.student is not model.student
    before = state(averaged)
    step(model, seg_batch())
    assert same(before, state(averaged))
    assert set(losses_of(averaged, seg_batch())) == set(losses_of(model, seg_batch()))


@pytest.mark.parametrize('target', [torch.float64, torch.device('meta')])
def test_the_teacher_moves_with_the_model(target, distiller):
    model = distiller(dict(loss_kd=KD)).to(target)
    teacher = model.teachers['teacher']
    for tensor in (*teacher.parameters(), teacher.norms['depth'].mean, *model.parameters()):
        assert target in (tensor.dtype, tensor.device)


def test_a_model_in_float64_trains(distiller, seg_batch):
    model = distiller(dict(loss_kd=KD)).double()
    assert all(value.isfinite() for value in step(model, seg_batch()).values())


def test_training_through_a_runner_keeps_the_teacher(distiller_config, make_runner, seg_branch,
                                                     save_teacher, tmp_path):
    branch = seg_branch('depth', classes=4)
    path = save_teacher(branch)
    runner = make_runner(distiller_config(
        dict(loss_fdkd=FDKD), students=dict(student=seg_branch(classes=4)),
        teachers=dict(teacher=dict(branch, checkpoint=str(path)))))
    runner.train()
    trained = {id(p) for group in runner.optim_wrapper.param_groups for p in group['params']}
    teacher = runner.model.teachers['teacher']
    assert trained == {id(p) for p in runner.model.students.parameters()}
    saved = torch.load(path)['state_dict']
    assert same(state(teacher.model), {key.removeprefix('students.student.model.'): value
                                       for key, value in saved.items()})
    checkpoint = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=False)
    assert set(checkpoint['state_dict']) == set(saved)
    assert not same(checkpoint['state_dict'], saved)


# ---------------------------------------------------------------- the baseline


def test_a_baseline_is_a_distiller_without_teachers(seg_branch, seg_batch):
    batch, branch = seg_batch(), seg_branch()
    model = MODELS.build(ConfigDict(
        type='CrossModalDistiller', students=dict(student=branch),
        data_preprocessor=dict(type='MultiModalDataPreprocessor')))
    plain = MODELS.build(branch.model)
    plain.load_state_dict(model.student.model.state_dict())
    data = SegDataPreProcessor(**branch.norm, size_divisor=1)(
        dict(inputs=batch['inputs']['rgb'], data_samples=batch['data_samples']), True)
    torch.manual_seed(1)
    ours = losses_of(model, batch)
    torch.manual_seed(1)
    theirs = plain(**data, mode='loss')
    assert same(ours, {f'student.{key}': value for key, value in theirs.items()})


@pytest.mark.parametrize('method', METHODS)
def test_a_loss_of_weight_zero_is_the_baseline_bit_for_bit(method, distiller, distiller_config,
                                                           seg_batch):
    batch = seg_batch()
    model = distiller({'loss_x': dict(METHODS[method], weight=0.0)})
    baseline = twin_of(model, **distiller_config(teachers={}))
    for _ in range(2):
        logs, expected = step(model, batch), step(baseline, batch)
    assert torch.equal(logs['loss'], expected['loss'])
    assert same(state(model.students), state(baseline.students))


@pytest.mark.parametrize('method', METHODS)
def test_a_loss_with_weight_changes_the_step(method, distiller, distiller_config, seg_batch):
    batch = seg_batch()
    model = distiller({'loss_x': dict(METHODS[method], weight=100.0)})
    baseline = twin_of(model, **distiller_config(teachers={}))
    step(model, batch), step(baseline, batch)
    assert not same(state(model.students), state(baseline.students))


@pytest.mark.parametrize('method', ['kd', 'adapted'])
def test_the_same_seed_gives_baseline_and_method_the_same_run(method, distiller_config,
                                                              make_runner, seg_branch,
                                                              save_teacher):
    students = dict(student=seg_branch(classes=4))
    branch = seg_branch('depth', classes=4)
    teachers = dict(teacher=dict(branch, checkpoint=str(save_teacher(branch))))
    losses = dict(loss_x=dict(METHODS[method], weight=0.0))
    trained = []
    for name, model in dict(baseline=distiller_config(students=students, teachers={}),
                            method=distiller_config(losses, students=students,
                                                    teachers=teachers)).items():
        runner = make_runner(model, name)
        runner.train()
        trained.append(state(runner.model.students))
    assert same(*trained)


# ---------------------------------------------------------------- the losses


@pytest.mark.parametrize('method', METHODS)
def test_every_trainable_parameter_gets_a_gradient(method, distiller, seg_batch):
    model = distiller({'loss_x': METHODS[method]})
    model.parse_losses(losses_of(model, seg_batch()))[0].backward()
    idle = [name for name, p in model.named_parameters()
            if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []
    assert all(p.grad is None for p in model.teachers['teacher'].parameters())
    assert any(name.startswith('losses.') for name, _ in model.named_parameters()) == (
        method in ('fdkd_heads', 'adapted'))


def test_losses_are_named_and_summed(distiller, seg_batch):
    model = distiller(dict(loss_fdkd=FDKD_HEADS, loss_kd=dict(KD, weight=2.0)))
    losses = losses_of(model, seg_batch())
    assert set(losses) == {
        'student.decode.loss_ce', 'student.decode.acc_seg', 'loss_fdkd.low', 'loss_fdkd.high',
        'loss_fdkd.align_student', 'loss_fdkd.align_teacher', 'loss_fdkd.task', 'loss_kd.kl'}
    total = model.parse_losses(losses)[0]
    expected = sum(value for key, value in losses.items() if 'acc' not in key)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_loss_compares_what_the_taps_of_both_networks_hold(distiller, seg_batch):
    model = distiller(dict(loss_feature=FEATURE)).eval()
    data = model.data_preprocessor(seg_batch(), True)
    student = model.student(data['inputs'])[1]['feat']
    teacher = model.teachers['teacher'](data['inputs'])[1]['feat']
    loss = model(**data, mode='loss')['loss_feature.mse']
    assert loss.item() == pytest.approx((student - teacher).square().mean().item(), rel=1e-5)
    assert student.min() < 0 and teacher.min() < 0


def test_teachers_run_only_to_teach(distiller, seg_batch):
    model = distiller(dict(loss_kd=KD)).eval()
    model.teachers['teacher'].model.forward = None
    data = model.data_preprocessor(seg_batch())
    assert torch.equal(model(data['inputs'], mode='tensor'), model.student(data['inputs'])[0])
    samples = model(**data, mode='predict')
    assert all(sample.pred_sem_seg.shape == (32, 32) for sample in samples)
    with pytest.raises(TypeError):
        model(**data, mode='loss')


def test_the_student_alone_sees_its_modality_in_prediction(distiller, seg_batch):
    model = distiller(dict(loss_kd=KD)).eval()
    inputs = model.data_preprocessor(seg_batch())['inputs']
    del inputs['depth']
    assert model(inputs, mode='tensor').shape == (2, 4, 4, 4)


def test_two_students_teach_each_other(distiller, seg_branch, seg_batch):
    students = dict(a=seg_branch('rgb'), b=seg_branch('depth'))
    kd = dict(loss_ab=dict(KD, student='a.logits', teacher='b.logits'),
              loss_ba=dict(KD, student='b.logits', teacher='a.logits'))
    model = distiller(kd, students=students, teachers={})
    losses = losses_of(model, seg_batch())
    assert {'a.decode.loss_ce', 'b.decode.loss_ce', 'loss_ab.kl', 'loss_ba.kl'} <= set(losses)
    losses['loss_ab.kl'].backward()
    assert model.students['a'].model.backbone.conv1.weight.grad is not None
    assert model.students['b'].model.backbone.conv1.weight.grad is None
    before = state(model.students)
    step(model, seg_batch())
    for name in 'ab':
        key = f'{name}.model.backbone.conv1.weight'
        assert not torch.equal(model.students.state_dict()[key], before[key])
    assert model.student is model.students['a']


# ---------------------------------------------------------------- classification


def test_classifiers_train_under_the_same_distiller(distiller, cls_branch, cls_batch):
    model = distiller(dict(loss_fdkd=FDKD_HEADS, loss_kd=KD), make=cls_branch)
    losses = losses_of(model, cls_batch())
    assert set(losses) == {'student.loss', 'loss_fdkd.low', 'loss_fdkd.high', 'loss_kd.kl',
                           'loss_fdkd.align_student', 'loss_fdkd.align_teacher', 'loss_fdkd.task'}
    model.parse_losses(losses)[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    teacher = state(model.teachers['teacher'])
    assert step(model, cls_batch())['loss'].isfinite()
    assert same(teacher, state(model.teachers['teacher']))
    samples = model.eval()(**model.data_preprocessor(cls_batch()), mode='predict')
    assert all(sample.pred_score.shape == (4,) for sample in samples)


def test_labels_of_a_classifier_reach_the_classifiers_of_the_bands(distiller, cls_branch,
                                                                   cls_batch):
    model = distiller(dict(loss_fdkd=dict(FDKD, task=HEADS)), make=cls_branch).eval()
    heads = model.losses['loss_fdkd'].task
    for head in (heads.low, heads.high):
        torch.nn.init.zeros_(head.weight)
        head.bias.data = torch.tensor([0.0, 0.0, 0.0, 9.0])
    right = losses_of(model, cls_batch((3, 3)))['loss_fdkd.task']
    wrong = losses_of(model, cls_batch((0, 1)))['loss_fdkd.task']
    assert right < 0.01 and wrong > 17


def test_the_pooled_feature_is_the_first_item_of_the_neck(cls_branch):
    spec = cls_branch()
    spec.taps = dict(whole='neck', feat='neck[0]', logits='head.fc')
    output, feats, _ = Branch(**spec)(dict(rgb=torch.rand(2, 3, 32, 32) * 255))
    assert isinstance(feats['whole'], tuple) and len(feats['whole']) == 1
    assert feats['feat'].shape == (2, 16) and feats['feat'] is feats['whole'][0]
    assert torch.equal(feats['logits'], output) and output.shape == (2, 4)


# ---------------------------------------------------------------- what is refused


def test_a_distiller_without_students_is_refused():
    with pytest.raises(ValueError, match='at least one student'):
        MODELS.build(ConfigDict(type='CrossModalDistiller', students={}))


def test_a_name_of_two_branches_is_refused(distiller, seg_branch):
    branch = seg_branch()
    with pytest.raises(ValueError, match=r"\['net'\] name both a student and a teacher"):
        distiller(students=dict(net=branch), teachers=dict(net=branch))


def test_a_student_named_like_a_subset_of_the_first_is_refused(seg_branch, segmentor):
    first = dict(seg_branch(), modality=('rgb', 'ir'), norm=None, subsets=[['ir'], ['rgb', 'ir']])
    for name in ('ir', 'rgb+ir'):
        with pytest.raises(ValueError, match=r"students \['.*ir'\] are named like 'subsets' of "):
            CrossModalDistiller({'student': first, name: seg_branch()})
    CrossModalDistiller({'student': first, 'rgb': seg_branch()})


def test_a_loss_of_another_name_is_refused(distiller):
    with pytest.raises(ValueError, match="losses.kd: rename it to 'loss_kd'"):
        distiller(dict(kd=KD))


@pytest.mark.parametrize(('argument', 'key'), [
    ('student', 'student.nothing'), ('teacher', 'other.logits'), ('teacher', 'logits')])
def test_an_unknown_tap_is_refused_with_the_known_ones(argument, key, distiller):
    with pytest.raises(ValueError) as error:
        distiller(dict(loss_kd=dict(KD, **{argument: key})))
    for part in (f"losses.loss_kd.{argument}='{key}'", 'student.feat', 'student.logits',
                 'teacher.feat', 'teacher.logits'):
        assert part in str(error.value)


def test_classifiers_on_a_sliding_window_are_refused(distiller, seg_branch):
    """They would predict the whole image from its last window."""
    branch = seg_branch()
    branch.model.test_cfg = dict(mode='slide', crop_size=(16, 16), stride=(16, 16))
    with pytest.raises(ValueError, match=r"losses\.loss_fdkd has classifiers .* with mode='slide' "
                                         r'.* model\.losses\.loss_fdkd\.task=None'):
        distiller(dict(loss_fdkd=FDKD_HEADS), students=dict(student=branch))
    distiller(dict(loss_fdkd=FDKD), students=dict(student=branch))


def test_a_tap_that_is_not_in_the_network_is_refused(distiller, seg_branch):
    branch = seg_branch()
    branch.taps.feat = 'backbone.layer9.1.relu@in'
    with pytest.raises(ValueError, match='backbone.layer2.1.relu|backbone.layer1.1.relu'):
        distiller(students=dict(student=branch), teachers={})


def test_an_unknown_mode_is_refused(distiller):
    with pytest.raises(ValueError, match="mode='train'"):
        distiller()(dict(rgb=torch.zeros(2, 3, 32, 32)), mode='train')


# ---------------------------------------------------------------- the teacher's checkpoint


@pytest.fixture
def teacher_config(seg_branch, tmp_path, monkeypatch):
    """A teacher's config file, in a folder where ``auto`` finds no run yet."""
    monkeypatch.chdir(tmp_path)
    branch = seg_branch('depth')
    branch.model.backbone.init_cfg = dict(type='mmfkd.InflatedPretrained', checkpoint='nowhere')
    (tmp_path / 'configs' / 'unimodal').mkdir(parents=True)
    Config(dict(model=dict(type='CrossModalDistiller', students=dict(student=branch)))).dump(
        'configs/unimodal/tiny_depth.py')
    return 'configs/unimodal/tiny_depth.py'


def test_a_missing_auto_checkpoint_comes_with_the_command(teacher_config, distiller):
    with pytest.raises(FileNotFoundError) as error:
        distiller(teachers=dict(teacher=dict(config=teacher_config, checkpoint='auto')))
    assert ('mmfkd train configs/unimodal/tiny_depth.py --work-dir '
            'work_dirs/unimodal/tiny_depth' in str(error.value))


def test_a_missing_file_comes_with_the_command_for_its_folder(teacher_config, distiller):
    with pytest.raises(FileNotFoundError) as error:
        distiller(teachers=dict(teacher=dict(config=teacher_config, checkpoint='runs/a/b.pth')))
    assert str(error.value).endswith('--work-dir runs/a')


def test_auto_takes_model_modality_norm_taps_and_best_weights(teacher_config, distiller,
                                                              save_teacher, seg_branch,
                                                              tmp_path, seg_batch):
    (tmp_path / 'work_dirs' / 'unimodal' / 'tiny_depth').mkdir(parents=True)
    path = save_teacher(seg_branch('depth'), 'work_dirs/unimodal/tiny_depth/best_mIoU_epoch_3.pth')
    model = distiller(dict(loss_kd=KD),
                      teachers=dict(teacher=dict(config=teacher_config, checkpoint='auto')))
    teacher = model.teachers['teacher']
    assert teacher.modality == 'depth' and set(teacher.taps.names) == {'feat', 'logits'}
    assert teacher.norms['depth'].mean.item() == pytest.approx(2841.95)
    saved = torch.load(path)['state_dict']
    assert torch.equal(teacher.model.backbone.conv1.weight,
                       saved['students.student.model.backbone.conv1.weight'])
    assert losses_of(model, seg_batch())['loss_kd.kl'] > 0


def test_auto_needs_a_config(distiller, seg_branch):
    with pytest.raises(ValueError, match="needs 'config'"):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint='auto')))


def test_a_teacher_without_model_and_config_is_refused(distiller):
    with pytest.raises(ValueError, match="a teacher needs 'config', or 'model' and 'modality'"):
        distiller(teachers=dict(teacher=dict(checkpoint='some.pth')))


def test_a_missing_checkpoint_file_is_refused(distiller, seg_branch):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint='nowhere.pth')))


def test_a_checkpoint_of_another_architecture_is_refused(distiller, seg_branch, save_teacher):
    path = str(save_teacher(seg_branch('depth', width=12)))
    with pytest.raises(ValueError, match='of another architecture than EncoderDecoder') as error:
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=path)))
    assert path in str(error.value)
    assert 'backbone.layer1.0.conv1.weight (12, 8, 3, 3) instead of (8, 8, 3, 3)' in (
        str(error.value))


def test_a_checkpoint_of_another_modality_is_refused(distiller, seg_branch, save_teacher):
    path = str(save_teacher(seg_branch('rgb')))
    with pytest.raises(ValueError, match=r'backbone.conv1.weight \(8, 3, 7, 7\) instead of'):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=path)))


def test_missing_and_unexpected_weights_are_named(distiller, seg_branch, save_teacher):
    path = save_teacher(seg_branch('depth'))
    content = torch.load(path)
    prefix = 'students.student.model.'
    del content['state_dict'][f'{prefix}backbone.conv1.weight']
    content['state_dict'][f'{prefix}extra.weight'] = torch.zeros(1)
    torch.save(content, path)
    with pytest.raises(ValueError) as error:
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=str(path))))
    assert '1 missing (backbone.conv1.weight)' in str(error.value)
    assert '1 unexpected (extra.weight)' in str(error.value)


@pytest.mark.parametrize('content', [{}, dict(state_dict={}), dict(meta=dict(epoch=1)), [1, 2]])
def test_a_checkpoint_without_weights_is_refused(content, distiller, seg_branch, tmp_path):
    path = tmp_path / 'empty.pth'
    torch.save(content, path)
    with pytest.raises(ValueError, match='empty.pth has no weights'):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=str(path))))


def test_a_truncated_checkpoint_is_refused(distiller, seg_branch, save_teacher):
    path = save_teacher(seg_branch('depth'))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match='teacher.pth cannot be read: it is truncated'):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=str(path))))


def test_a_checkpoint_that_would_run_code_is_refused(distiller, seg_branch, tmp_path):
    path = tmp_path / 'code.pth'
    torch.save(dict(state_dict=dict(x=Trap())), path)
    with pytest.raises(ValueError, match='code.pth is refused.*could run'):
        distiller(teachers=dict(teacher=dict(seg_branch('depth'), checkpoint=str(path))))


class Trap:
    def __reduce__(self):
        return pytest.fail, ('a checkpoint ran code',)


def test_plain_weights_of_a_network_are_taken(distiller, seg_branch, tmp_path):
    branch = seg_branch('depth')
    weights = MODELS.build(branch.model).state_dict()
    torch.save(weights, tmp_path / 'plain.pth')
    model = distiller(teachers=dict(teacher=dict(
        branch, checkpoint=str(tmp_path / 'plain.pth'))))
    assert same(state(model.teachers['teacher'].model), weights)


def test_an_average_of_the_weights_is_kept_of_the_student_alone(make_runner, distiller_config,
                                                               seg_branch, save_teacher,
                                                               tmp_path):
    """mmengine's EMAHook copies the model: without its teachers, which the copy shares."""
    branch = seg_branch('depth', classes=4)
    runner = make_runner(distiller_config(
        dict(loss_fdkd=FDKD), students=dict(student=seg_branch(classes=4)),
        teachers=dict(teacher=dict(branch, checkpoint=str(save_teacher(branch))))), validate=True,
        custom_hooks=[dict(type='EMAHook', momentum=0.5)],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)))
    runner.train()
    checkpoint = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=False)
    own, averaged = checkpoint['ema_state_dict'], checkpoint['state_dict']
    assert not [key for key in own if 'teacher' in key]
    weight = 'students.student.model.decode_head.conv_seg.weight'
    assert not torch.equal(own[f'module.{weight}'], averaged[weight])
    copy = next(hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook').ema_model.module
    assert copy.teachers is runner.model.teachers


def test_a_loss_of_other_widths_names_itself_and_what_it_was_given(distiller, seg_batch):
    adapter = dict(type='Conv2d', in_channels=99, out_channels=16, kernel_size=1)
    model = distiller(dict(loss_feature=dict(type='FeatureLoss', adapter=adapter)))
    with pytest.raises(ValueError, match=(
            r'losses\.loss_feature, of student\.feat \(2, 16, \d+, \d+\), teacher\.feat .*'
            r'write there those of the network, channels = dict')):
        model(**model.data_preprocessor(seg_batch(), True), mode='loss')


def test_a_network_of_other_channels_names_what_it_was_given(seg_branch, segmentor, seg_batch):
    model = CrossModalDistiller(students=dict(student=dict(seg_branch(), model=segmentor(1))),
                                data_preprocessor=dict(type='MultiModalDataPreprocessor'))
    with pytest.raises(ValueError, match=(
            r'the network of rgb \(2, 3, 32, 32\): .*\. in_channels of its first layer')):
        model(**model.data_preprocessor(seg_batch(), True), mode='loss')


# ---------------------------------------------------------------- losses that teach nothing


def test_a_loss_on_frozen_layers_is_refused_in_the_first_step(distiller, seg_batch):
    """An adapter of the loss would learn, and the student nothing."""
    for loss in (FEATURE, ADAPTED):
        model = distiller(dict(loss_feature=loss)).train()
        model.student.model.backbone.requires_grad_(False)
        with pytest.raises(ValueError, match=r'losses\.loss_feature teaches nothing, .* ends at '
                                             r'student\.feat: .*frozen_stages.*with_cp=True'):
            losses_of(model, seg_batch())
        assert 'loss_feature.mse' in losses_of(model.eval(), seg_batch())


def test_a_loss_inside_of_what_is_computed_twice_is_refused(distiller, seg_branch, seg_batch):
    """Such a block first computes without gradients; from its borders on they flow."""
    students = dict(student=dict(seg_branch(), taps=dict(feat='backbone.layer2.1.conv1')))
    model = distiller(dict(loss_rkd=dict(type='RKDLoss')), students=students).train()
    assert 'loss_rkd.angle' in losses_of(model, seg_batch(((32, 32),) * 3))
    model.student.model.backbone.layer2[1].with_cp = True
    with pytest.raises(ValueError, match='loss_rkd teaches nothing'):
        losses_of(model, seg_batch(((32, 32),) * 3))


def test_what_has_no_weight_or_predicts_may_teach_no_student(distiller, seg_batch):
    model = distiller(dict(loss_off=dict(FEATURE, weight=0), loss_fdkd=FDKD_HEADS)).train()
    model.student.model.backbone.requires_grad_(False)
    assert {'loss_off', 'loss_fdkd'} < {key.split('.')[0] for key in losses_of(model, seg_batch())}
