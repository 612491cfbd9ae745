"""CSK-Net, C.E.N. and DisOptNet as students of a distiller."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfkd.config import load_config
from mmfkd.export.single_modality import single_branch, single_weights
from mmfkd.models import Branch, MultiModalDataPreprocessor
from mmfkd.models.networks.encoders import SharedEncoder, find
from mmfkd.registry import MODELS

LOSSES = [dict(type='CrossEntropyLoss', avg_non_ignore=True),
          dict(type='mmfkd.MulticlassDiceLoss')]
CLASSES = 4
WHERE = dict(norms=('bn1', 'layer1.1.bn2', 'layer2.1.bn2'))
EXCHANGE = dict(channel=dict(**WHERE, ratio=0.25), spatial=dict(stages=('layer1', 'layer2')))


def baseline():
    return dict(
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8, num_stages=2,
                      strides=(1, 2), dilations=(1, 1), out_indices=(0, 1),
                      zero_init_residual=False),
        decode_head=dict(type='DepthwiseSeparableASPPHead', in_channels=16, in_index=1,
                         channels=8, dilations=(1, 2), c1_in_channels=8, c1_channels=4,
                         num_classes=CLASSES, dropout_ratio=0.1, norm_cfg=dict(type='BN'),
                         align_corners=False, loss_decode=LOSSES))


def network(**changes):
    return ConfigDict(_scope_='mmseg', **{
        'type': 'mmfkd.CSKNet', 'modalities': ('rgb', 'ir'), **baseline(),
        'fusion_head': dict(type='mmfkd.GatedSpectralHead'), 'exchange': EXCHANGE, **changes})


def cen(**changes):
    return ConfigDict(_scope_='mmseg', **{
        'type': 'mmfkd.CEN', 'modalities': ('rgb', 'ir'), **baseline(),
        'exchange': dict(channel=WHERE), **changes})


def disoptnet(**changes):
    return ConfigDict(_scope_='mmseg', **{
        'type': 'mmfkd.DisOptNet', **baseline(), 'specific': ('layer2',),
        'fusion_head': dict(type='mmfkd.SCSEFusionHead'), **changes})


def build(config):
    model = MODELS.build(config)
    for key, value in model.state_dict().items():
        if 'running_var' in key:
            value.uniform_(0.5, 1.5)
        elif 'running_mean' in key:
            value.uniform_(-0.2, 0.2)
    return model


def images(*names, size=(32, 48), count=2):
    return {name: torch.randn(count, 3, *size) for name in names}


def samples(size=(32, 48), count=2, labels=None):
    made = []
    for i in range(count):
        label = torch.randint(CLASSES, (1, *size)) if labels is None else labels[i:i + 1]
        made.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(
            img_shape=size, ori_shape=size, pad_shape=size)))
    return made


def total(losses):
    return sum(value for key, value in losses.items() if 'loss' in key)


def plain_of(model, config, modality='ir'):
    """The baseline with the weights of one branch, as the export makes it."""
    spec = dict(modality=('rgb', 'ir'), model=config, norm=None)
    branch, stream = single_branch(spec, modality)
    plain = MODELS.build(ConfigDict(branch['model']))
    plain.load_state_dict(single_weights(model.state_dict(), stream))
    return plain


@pytest.mark.parametrize('config', [network(), network(exchange=None),
                                    network(fusion_head=dict(type='mmfkd.GatedSpectralHead',
                                                             gated=False)), cen()])
@pytest.mark.parametrize('modality', ['ir', 'rgb'])
def test_one_modality_is_the_plain_baseline_bit_for_bit(config, modality):
    model = build(config).eval()
    plain = plain_of(model, config, modality).eval()
    x = images(modality)
    with torch.no_grad():
        assert torch.equal(model(x), plain(x[modality]))


def test_one_modality_trains_like_the_plain_baseline():
    config = network(exchange=None, decode_head=dict(baseline()['decode_head'], dropout_ratio=0))
    model = build(config).train()
    plain = plain_of(model, config).train()
    x, data = images('ir')['ir'], samples()
    maps = model.extract_feat(dict(ir=x))['infrared']
    ours = model.head('infrared').loss_by_feat(model.head('infrared')(maps), data)
    theirs = plain(x, data, mode='loss')
    assert all(torch.equal(ours[key], theirs[f'decode.{key}']) for key in ours)
    total(ours).backward()
    total(theirs).backward()
    gradients = single_weights({name: p.grad for name, p in model.named_parameters()
                                if p.grad is not None}, 'infrared')
    expected = {name: p.grad for name, p in plain.named_parameters()}
    assert set(gradients) == set(expected)
    assert all(torch.equal(gradients[name], expected[name]) for name in expected)


def test_both_modalities_are_fused_and_exchanged():
    model = build(network()).eval()
    x = images('rgb', 'ir')
    logits = model.encode_decode(x)
    assert list(logits) == ['optical', 'infrared', 'fused']
    assert all(out.shape == (2, CLASSES, 8, 12) for out in logits.values())
    assert torch.equal(model(x), logits['fused'])
    # With exchange the infrared branch sees the optical image, alone it does not.
    mixed, alone = (model.extract_feat(of)['infrared'] for of in (x, dict(ir=x['ir'])))
    assert all((a - b).abs().max() > 0.1 for a, b in zip(mixed, alone, strict=True))
    assert list(model.encode_decode(dict(reversed(x.items())))) == list(logits)
    apart = build(network(exchange=None)).eval()
    assert torch.allclose(apart.encode_decode(x)['infrared'], apart(dict(ir=x['ir'])), atol=1e-5)


def test_labels_supervise_the_fused_and_the_infrared_output():
    model = build(network()).train()
    losses = model(images('rgb', 'ir'), samples(), mode='loss')
    assert {key for key in losses if 'loss' in key} == {
        'optical.loss_unsupervised', 'infrared.loss_ce', 'infrared.loss_dice', 'fused.loss_ce',
        'fused.loss_dice'}
    assert losses['optical.loss_unsupervised'] == 0
    assert losses['optical.exchanged'] == losses['infrared.exchanged'] == 0.25


def test_the_exchanged_share_is_that_of_small_scales():
    model = build(network(exchange=dict(channel=dict(**WHERE, threshold=0.02))))
    assert list(model.backbone.exchanged().values()) == [0, 0]
    with torch.no_grad():
        model.backbone.net.layer1[1].bn2.each['infrared'].weight[:4] = 0.01
    shares = model.backbone.exchanged()
    assert shares['optical'] == 0
    assert shares['infrared'] == pytest.approx(4 / (8 + 8 + 16))
    assert build(network(exchange=None)).backbone.exchanged() == {}


@pytest.mark.parametrize('config', [
    network(), network(exchange=None), network(exchange=dict(channel=None)),
    network(exchange=dict(spatial=dict(stages=('layer2',)))),
    network(fusion_head=dict(type='mmfkd.GatedSpectralHead', gated=False)),
    network(supervised=('fused',)), network(supervised=('optical',)), cen(),
    cen(exchange=None), disoptnet(), disoptnet(supervised=('fused',))])
def test_every_parameter_has_a_gradient_in_every_ablation(config):
    model = build(config).train()
    names = ('rgb', 'ir') if 'modalities' in config else ('ir',)
    x = images(*names)
    total(model(x if len(names) == 2 else x['ir'], samples(), mode='loss')).backward()
    unused = [name for name, p in model.named_parameters() if p.grad is None]
    assert not unused
    assert sum(p.grad.abs().sum() > 0 for p in model.parameters()) > 20


@pytest.mark.parametrize('config', [network(), cen()])
def test_a_modality_may_be_missing_in_tests_alone(config):
    model = build(config)
    with pytest.raises(KeyError, match="'rgb'.*modalities.*data set"):
        model.train()(images('ir'), samples(), mode='loss')
    model.eval()
    for names in (('rgb', 'ir'), ('ir',), ('rgb',)):
        predicted = model(images(*names), samples(), mode='predict')
        assert predicted[0].pred_sem_seg.shape == (32, 48)
        assert predicted[0].seg_logits.shape == (32, 48)


def test_modalities_of_different_shapes_are_refused():
    model = build(network()).eval()
    with pytest.raises(ValueError, match='LoadInfrared'):
        model(dict(images('rgb'), ir=torch.zeros(2, 1, 32, 48)))
    with pytest.raises(ValueError, match='registered'):
        model(dict(images('rgb'), ir=torch.zeros(2, 3, 32, 40)))


@pytest.mark.parametrize(('change', 'part'), [
    (dict(modalities=('rgb',)), 'two modalities'), (dict(supervised=('ir',)), "no output \\['ir'"),
    (dict(exchange=dict(channels=dict())), "'channel' and 'spatial'"),
    (dict(exchange=dict(channel=dict(norms=('layer1.1.bn3',)))), 'Close:.*layer1.1.bn2'),
    (dict(exchange=dict(spatial=dict(stages=('layer1.1',)))), 'no sequence of blocks'),
    (dict(exchange=dict(channel=dict(**WHERE, ratio=1.5))), 'ratio=1.5'),
    (dict(exchange=dict(channel=dict(**WHERE, threshold=-1))), 'threshold=-1')])
def test_a_wrong_config_is_refused_when_it_is_built(change, part):
    with pytest.raises(ValueError, match=part):
        MODELS.build(network(**change))


def test_an_exchange_leaves_no_trace_in_checkpoints():
    keys = set(build(network()).state_dict())
    assert keys == set(build(network(exchange=None)).state_dict())


def test_a_class_that_is_not_in_the_batch_and_ignored_pixels_are_no_problem():
    labels = torch.zeros(2, 32, 48, dtype=torch.long)
    labels[0, :16] = 255
    losses = build(network()).train()(images('rgb', 'ir'), samples(labels=labels), mode='loss')
    assert torch.isfinite(total(losses))
    labels.fill_(255)
    losses = build(network()).train()(images('rgb', 'ir'), samples(labels=labels), mode='loss')
    assert torch.isfinite(total(losses))


def test_spatial_exchange_comes_behind_the_stage_and_in_front_of_the_next():
    config = dict(baseline()['backbone'], _scope_='mmseg')
    plain = SharedEncoder(ConfigDict(config), ('a', 'b')).eval()
    exchanging = SharedEncoder(ConfigDict(config), ('a', 'b'),
                               dict(spatial=dict(stages=('layer1',)))).eval()
    exchanging.load_state_dict(plain.state_dict())
    x = images('a', 'b')
    apart, mixed = plain(x), exchanging(x)
    for own, other in (('a', 'b'), ('b', 'a')):
        assert torch.equal(mixed[own][0][..., ::2], apart[own][0][..., ::2])
        assert torch.equal(mixed[own][0][..., 1::2], apart[other][0][..., 1::2])
    assert not torch.allclose(mixed['a'][1], apart['a'][1])


def test_find_names_close_places():
    net = MODELS.build(ConfigDict(baseline()['backbone'], _scope_='mmseg'))
    assert find(net, 'layer1.0.bn1', torch.nn.BatchNorm2d, 'batch norm') is net.layer1[0].bn1
    with pytest.raises(ValueError, match="'layer1.0.norm' is no batch norm.*layer1.0.bn"):
        find(net, 'layer1.0.norm', torch.nn.BatchNorm2d, 'batch norm')


# C.E.N.

def test_the_ensemble_weighs_detached_logits():
    model = build(cen()).eval()
    with torch.no_grad():
        model.alpha.copy_(torch.tensor([0.3, -0.2]))
    logits = model.encode_decode(images('rgb', 'ir'))
    rgb, ir = torch.tensor([0.3, -0.2]).softmax(0)
    assert torch.allclose(logits['ensemble'], rgb * logits['rgb'] + ir * logits['ir'])
    logits['ensemble'].sum().backward()
    assert model.alpha.grad is not None
    assert all(p.grad is None for name, p in model.named_parameters() if name != 'alpha')


def test_the_sparsity_term_is_on_half_of_the_channels_of_each_modality():
    model = build(cen(sparsity=0.5)).train()
    expected = 0
    for place in WHERE['norms']:
        norm = find(model.backbone.net, place, torch.nn.Module, 'norm').each
        half = len(norm['rgb'].weight) // 2
        with torch.no_grad():
            for each in norm.values():
                each.weight.uniform_(-1, 1)
        expected += norm['rgb'].weight[:half].abs().sum() + norm['ir'].weight[half:].abs().sum()
    losses = model(images('rgb', 'ir'), samples(), mode='loss')
    assert torch.allclose(losses['loss_sparsity'], 0.5 * expected)
    assert {'rgb.loss_ce', 'ir.loss_ce', 'ensemble.loss_ce', 'rgb.exchanged'} < set(losses)


# DisOptNet

def test_shared_stages_are_equal_and_the_last_are_of_each_branch():
    model = build(disoptnet()).eval()
    for norm in ('own', 'pseudo'):
        for p in model.backbone.net.layer2.each[norm].parameters():
            torch.nn.init.normal_(p, std=0.1)
    maps = model.extract_feat(images('ir')['ir'])
    assert list(maps) == ['own', 'pseudo']
    assert torch.equal(maps['own'][0], maps['pseudo'][0])
    assert maps['own'][1].shape == maps['pseudo'][1].shape == (2, 16, 4, 6)
    assert not torch.equal(maps['own'][1], maps['pseudo'][1])
    logits = model.encode_decode(images('ir')['ir'])
    assert list(logits) == ['own', 'pseudo', 'fused']


def test_each_branch_of_disoptnet_is_the_plain_backbone_when_its_tail_is_copied():
    model = build(disoptnet()).eval()
    plain = MODELS.build(ConfigDict(baseline()['backbone'], _scope_='mmseg'))
    plain.eval()
    model.backbone.net.load_state_dict(plain.state_dict())
    x = images('ir')['ir']
    expected = plain(x)
    for maps in model.extract_feat(x).values():
        assert all(torch.equal(a, b) for a, b in zip(maps, expected, strict=True))


def test_disoptnet_learns_its_pseudo_branch_from_the_teacher_alone():
    losses = build(disoptnet()).train()(images('ir')['ir'], samples(), mode='loss')
    assert {key for key in losses if 'loss' in key} == {
        'own.loss_ce', 'own.loss_dice', 'pseudo.loss_unsupervised', 'fused.loss_ce',
        'fused.loss_dice'}
    with pytest.raises(ValueError, match="no output \\['ir'"):
        MODELS.build(disoptnet(supervised=('ir',)))
    with pytest.raises(ValueError, match='Close:.*layer2'):
        MODELS.build(disoptnet(specific=('layer3',)))


@pytest.mark.parametrize('config', [network, cen, disoptnet])
def test_slide_inference_is_refused(config):
    with pytest.raises(ValueError, match='whole'):
        MODELS.build(config(test_cfg=dict(mode='slide')))


# Parameters, as in Table 1 of CSK-Net

@pytest.mark.parametrize(('path', 'count'), [
    ('unimodal/msrs_ir', 11_089_345), ('unimodal/mvss_ir', 11_093_714),
    ('csknet/msrs_rgb-ir', 12_949_859)])
def test_parameters(path, count, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    spec = load_config(path, teachers=False).model.students.student
    assert sum(p.numel() for p in Branch(**spec).parameters()) == count
    # What timm has behind the last block: a 1x1 convolution of 384 to 1536 and its batch norm.
    if path == 'unimodal/msrs_ir':
        assert count + 384 * 1536 + 2 * 1536 == 11_682_241


# As students

def distiller(**student):
    branch = dict(model=network(), modality=('rgb', 'ir'), **student)
    return MODELS.build(ConfigDict(type='CrossModalDistiller', students=dict(student=branch),
                                   data_preprocessor=dict(type='MultiModalDataPreprocessor')))


def test_subsets_of_modalities_predict_beside_the_first():
    model = distiller(subsets=(('ir',), ('rgb', 'ir'))).eval()
    x = images('rgb', 'ir')
    predicted = model(x, samples(), mode='predict')
    alone = model.student.model(dict(ir=x['ir']), samples(), mode='predict')
    for sample, expected in zip(predicted, alone, strict=True):
        assert list(sample.predictions) == ['ir', 'rgb+ir']
        assert torch.equal(sample.predictions['ir']['pred_sem_seg']['data']
                           if isinstance(sample.predictions['ir']['pred_sem_seg'], dict)
                           else sample.predictions['ir']['pred_sem_seg'].data,
                           expected.pred_sem_seg.data)


def test_available_is_what_the_network_gets_outside_of_training():
    model = distiller(available=['ir']).eval()
    x = images('rgb', 'ir')
    with torch.no_grad():
        assert torch.equal(model(x), model.student.model(dict(ir=x['ir'])))
        assert torch.equal(model(dict(ir=x['ir'])), model(x))
    losses = model.train()(x, samples(), mode='loss')
    assert 'student.fused.loss_ce' in losses
    with pytest.raises(KeyError, match='ir'):
        model(dict(ir=x['ir']), samples(), mode='loss')


@pytest.mark.parametrize('student', [dict(available=['sar']), dict(subsets=[['ir'], ['sar']]),
                                     dict(subsets=['ir']), dict(subsets=[[]])])
def test_unknown_modalities_are_refused(student):
    with pytest.raises(ValueError, match="list of one or more of the modalities.*'rgb', 'ir'"):
        distiller(**student)


def test_labels_and_modalities_are_padded_to_a_multiple():
    pad = MultiModalDataPreprocessor(size_divisor=16)
    data = pad(dict(inputs={name: [torch.rand(3, 600, 800)] for name in ('rgb', 'ir')},
                    data_samples=samples((600, 800), 1)), training=True)
    assert {x.shape for x in data['inputs'].values()} == {(1, 3, 608, 800)}
    label = data['data_samples'][0].gt_sem_seg.data
    assert label.shape == (1, 608, 800) and (label[:, 600:] == 255).all()


def test_a_copy_of_the_network_is_independent():
    model = build(network()).eval()
    twin = copy.deepcopy(model)
    x = images('rgb', 'ir')
    with torch.no_grad():
        expected = model(x)
        for p in model.parameters():
            p.zero_()
        assert torch.equal(twin(x), expected)


# ------------------------------------------------- exchange that leaves a modality by itself


@pytest.mark.parametrize('kind', ['channel', 'spatial'])
def test_a_modality_that_does_not_receive_is_the_plain_backbone(kind):
    config = ConfigDict(baseline()['backbone'], _scope_='mmseg')
    parts = dict(channel=dict(**WHERE, ratio=0.25), spatial=dict(stages=('layer1', 'layer2')))
    plain = SharedEncoder(config, ('a', 'b')).eval()
    one_way = SharedEncoder(config, ('a', 'b'), {
        kind: dict(parts[kind], receivers=['a'])}).eval()
    one_way.load_state_dict(plain.state_dict())
    x = images('a', 'b')
    apart, mixed = plain(x), one_way(x)
    assert all(torch.equal(p, q) for p, q in zip(apart['b'], mixed['b'], strict=True))
    assert not torch.allclose(apart['a'][0], mixed['a'][0])
    assert set(one_way.exchanged()) == ({'a'} if kind == 'channel' else set())


@pytest.mark.parametrize('kind', ['channel', 'spatial'])
def test_the_exchange_happens_in_a_share_of_the_training_steps(kind):
    config = ConfigDict(baseline()['backbone'], _scope_='mmseg')
    parts = dict(channel=dict(norms=('layer2.1.bn2',), ratio=0.25),
                 spatial=dict(stages=('layer2',)))
    encoder = SharedEncoder(config, ('a', 'b'), {kind: dict(parts[kind], probability=0.25)})
    plain = SharedEncoder(config, ('a', 'b'))
    plain.load_state_dict(encoder.state_dict())
    x = images('a', 'b')
    torch.manual_seed(0)
    alike = [torch.equal(encoder(x)['a'][1], plain(x)['a'][1]) for _ in range(80)]
    assert 46 <= sum(alike) <= 74  # 60 ± 3.6 standard deviations
    encoder.eval()
    plain.eval()
    assert not torch.equal(encoder(x)['a'][1], plain(x)['a'][1])


@pytest.mark.parametrize('change, part', [
    (dict(spatial=dict(stages=('layer1',), receivers='optical')), "receivers='optical'"),
    (dict(channel=dict(**WHERE, receivers=['rgb'])), r"the modalities \['optical', 'infrared'\]"),
    (dict(channel=dict(**WHERE, probability=2)), 'probability=2 of the exchange'),
    (dict(channel=dict(threshold=0.1)), 'exchange.channel needs norms, .*csknet-paper has'),
    (dict(spatial=dict(stages=('layer1',), ratio=1)), 'exchange.spatial does not take ratio. It')])
def test_a_wrong_exchange_is_refused(change, part):
    with pytest.raises(ValueError, match=part):
        build(network(exchange=change))


def test_the_fused_output_learns_to_do_with_one_modality():
    model = build(network(exchange=None, drop=1.0)).train()
    taken = []
    model.fusion_head.register_forward_pre_hook(
        lambda module, given: taken.append([bool(x.abs().sum() > 0) for x in given[0]]))
    torch.manual_seed(0)
    losses = model(images('rgb', 'ir'), samples(), mode='loss')
    total(losses).backward()
    assert all(value.grad is not None for value in model.parameters())
    for _ in range(30):
        model(images('rgb', 'ir'), samples(), mode='loss')
    assert sum(a for a, _ in taken) + sum(b for _, b in taken) == 31
    assert 6 <= sum(a for a, _ in taken) <= 25
    taken.clear()
    model.eval()(images('rgb', 'ir'), mode='tensor')
    assert taken == [[True, True]]
    with pytest.raises(ValueError, match='drop=2 must be from 0 to 1'):
        build(network(drop=2))
