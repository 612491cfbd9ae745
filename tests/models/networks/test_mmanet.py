"""MMANet: masks, fusion, decoder and its parameters."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.nn import functional as F

from mmfkd.config import load_config
from mmfkd.models import Taps
from mmfkd.models.heads.esanet import LearnedUpsample
from mmfkd.models.networks.modality_mask import ModalityMask, non_empty
from mmfkd.registry import MODELS

CLASSES = 4
WIDTHS = (8, 16, 16, 16)


def resnet(channels=3, depth=18, base=8, **changes):
    return dict(type='ResNet', depth=depth, in_channels=channels, stem_channels=base,
                base_channels=base, num_stages=4, out_indices=(0, 1, 2, 3), strides=(1, 2, 2, 2),
                dilations=(1, 1, 1, 1), norm_cfg=dict(type='BN'), **changes)


def network(**changes):
    return ConfigDict(_scope_='mmseg', **{
        'type': 'mmfkd.MMANet', 'backbones': dict(rgb=resnet(), ir=resnet(1)),
        'neck': dict(type='mmfkd.ESANetNeck', in_channels=(8, 16, 32, 64), out_channels=WIDTHS),
        'decode_head': dict(type='mmfkd.ESANetHead', in_channels=WIDTHS, num_classes=CLASSES,
                            blocks=1), **changes})


def build(**changes):
    torch.manual_seed(0)
    return MODELS.build(network(**changes))


def images(size=(64, 96), count=2, **channels):
    return {name: torch.randn(count, width, *size)
            for name, width in (channels or dict(rgb=3, ir=1)).items()}


def samples(labels):
    size = tuple(labels.shape[-2:])
    return [SegDataSample(gt_sem_seg=PixelData(data=label[None]), metainfo=dict(
        img_shape=size, ori_shape=size, pad_shape=size)) for label in labels]


def masked(model, *names):
    """The model with a mask that is the same for every sample, in evaluation."""
    mask = model.mask.of(names)
    model.mask.forward = lambda like: mask.expand(len(like), -1)
    return model.eval()


@pytest.mark.parametrize('kept, gone', [('ir', 'rgb'), ('rgb', 'ir')])
def test_what_is_masked_has_no_influence_and_may_as_well_be_missing(kept, gone):
    model = masked(build(), kept)
    given = images()
    with torch.no_grad():
        logits = model(given, mode='tensor')
        other = model({**given, gone: 100 * torch.randn_like(given[gone])}, mode='tensor')
        alone = model({kept: given[kept]}, mode='tensor')
        full = masked(build(), 'rgb', 'ir')(given, mode='tensor')
    assert logits.shape == (2, CLASSES, 64, 96)
    assert torch.equal(logits, other)
    assert torch.equal(logits, alone)
    assert not torch.allclose(logits, full)


def test_combinations_are_drawn_alike_in_training_alone():
    mask = ModalityMask(('rgb', 'ir', 'depth'))
    torch.manual_seed(0)
    drawn = mask(torch.zeros(7000, 1))
    found, counts = drawn.unique(dim=0, return_counts=True)
    assert len(found) == 7 and not (found.sum(1) == 0).any()
    assert counts.min() > 880 and counts.max() < 1120  # 1000 ± 4 standard deviations
    assert torch.equal(mask.eval()(torch.zeros(5, 1)), torch.ones(5, 3))
    assert non_empty('ab') == [('a',), ('b',), ('a', 'b')]


def test_given_combinations_alone_are_drawn():
    mask = ModalityMask(('rgb', 'ir'), [('rgb', 'ir'), ('ir',)])
    drawn = mask(torch.zeros(200, 1)).unique(dim=0)
    assert drawn.tolist() == [[0, 1], [1, 1]]
    teacher = build(mask=False)
    assert torch.equal(teacher.mask(torch.zeros(50, 1)), torch.ones(50, 2))


@pytest.mark.parametrize('keep', [[], [()], [('depth',)], ['ir']])
def test_a_mask_that_leaves_no_modality_is_refused(keep):
    with pytest.raises(ValueError, match='mask: '):
        build(mask=keep)


def test_labels_supervise_every_scale_at_its_size():
    model = build(mask=False).train()
    labels = torch.randint(CLASSES, (2, 64, 96))
    labels[:, :5] = 255
    given = images()
    losses = model(given, samples(labels), mode='loss')
    assert list(losses) == ['fused.loss_ce', 'fused.loss_ce_8', 'fused.loss_ce_16',
                            'fused.loss_ce_32']
    logits = model.decode_head(model.extract_feat(given))
    assert [tuple(x.shape[-2:]) for x in logits] == [(64, 96), (8, 12), (4, 6), (2, 3)]
    for value, x in zip(losses.values(), logits, strict=True):
        step = 64 // x.size(-2)
        small = labels[:, ::step, ::step]
        kept = [-x[n, :, i, j].log_softmax(0)[small[n, i, j]].item() for n in range(2)
                for i in range(x.size(2)) for j in range(x.size(3)) if small[n, i, j] != 255]
        assert float(value.detach()) == pytest.approx(sum(kept) / len(kept), rel=1e-5)


def test_class_weights_divide_by_the_weights_that_count():
    weights = [0.5, 1.0, 2.0, 4.0]
    head = dict(network()['decode_head'], loss_decode=dict(
        type='mmfkd.CrossEntropyLoss', avg_non_ignore=True, class_weight=weights))
    model = build(decode_head=head, mask=False).train()
    labels = torch.randint(CLASSES, (2, 64, 96))
    labels[0, :9] = 255
    given = images()
    losses = model(given, samples(labels), mode='loss')
    x = model.decode_head(model.extract_feat(given))[0]
    wanted = F.cross_entropy(x.detach(), labels, torch.tensor(weights), ignore_index=255)
    assert float(losses['fused.loss_ce'].detach()) == pytest.approx(float(wanted), rel=1e-5)


def test_every_parameter_has_a_gradient_whatever_is_masked():
    model = build(auxiliary=True, mask=[('ir',)]).train()
    losses = model(images(), samples(torch.randint(CLASSES, (2, 64, 96))), mode='loss')
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert [name for name, value in model.named_parameters() if value.grad is None] == []
    assert float(model.auxiliary_head.conv_seg.weight.grad.abs().sum()) == 0
    assert float(model.backbone.nets['rgb'].conv1.weight.grad.abs().sum()) == 0
    assert float(model.backbone.nets['ir'].conv1.weight.grad.abs().sum()) > 0


def test_three_modalities_and_any_of_them():
    model = build(backbones=dict(rgb=resnet(), ir=resnet(1), depth=resnet(1))).eval()
    given = images(rgb=3, ir=1, depth=1)
    with torch.no_grad():
        for names in non_empty(tuple(given)):
            logits = model({name: given[name] for name in names}, mode='tensor')
            assert logits.shape == (2, CLASSES, 64, 96)


def test_a_modality_may_be_missing_in_tests_alone():
    given = dict(ir=images()['ir'])
    predicted = build().eval()(given, samples(torch.zeros(2, 64, 96).long()), mode='predict')
    assert predicted[0].pred_sem_seg.data.shape == (1, 64, 96)
    with pytest.raises(KeyError, match=r"trained on all of .*'rgb'\] is missing"):
        build()(given, samples(torch.zeros(2, 64, 96).long()), mode='loss')


@pytest.mark.parametrize('given', [{}, dict(thermal=torch.zeros(1, 3, 64, 96))])
def test_without_any_of_its_modalities_it_says_which_it_takes(given):
    with pytest.raises(ValueError, match=rf'takes rgb, ir, .* inputs, which are \{list(given)}'):
        build().eval().encode_decode(given)


def test_wrong_parts_and_sizes_are_refused():
    with pytest.raises(ValueError, match='size_divisor=32'):
        build().eval()(images((64, 80)), mode='tensor')
    with pytest.raises(ValueError, match='two modalities or more'):
        build(backbones=dict(rgb=resnet()))
    with pytest.raises(ValueError, match='must have one width'):
        build(backbones=dict(rgb=resnet(), ir=resnet(1, base=16)))
    with pytest.raises(ValueError, match='no ResNet of mmseg'):
        build(backbones=dict(rgb=resnet(), ir=dict(type='MobileNetV2')))
    with pytest.raises(ValueError, match='need one width a map each'):
        build(neck=dict(type='mmfkd.ESANetNeck', in_channels=(8, 16, 32, 64),
                        out_channels=(8, 16)))


def test_upsampling_starts_as_bilinear():
    x = torch.randn(1, 3, 5, 6)
    wanted = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
    with torch.no_grad():
        assert torch.allclose(LearnedUpsample(3)(x)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1],
                              atol=1e-6)


@pytest.mark.parametrize('classes, main, both', [
    (9, 71.669, 87.940), (14, 71.680, 87.961), (15, 71.682, 87.965), (26, 71.705, 88.011),
    (40, 71.734, 88.069)])
def test_parameters_are_those_of_the_authors_network(classes, main, both):
    """Millions, of RGB and a single channel, without and with the auxiliary decoder."""
    cfg = load_config('mmanet/mvss_rgb-ir', teachers=False).model.students.student.model
    cfg.backbones.ir.in_channels = 1
    cfg.decode_head.num_classes = classes
    for auxiliary, count in ((True, both), (False, main)):
        with torch.device('meta'):
            model = MODELS.build(dict(cfg, auxiliary=auxiliary))
        assert sum(x.numel() for x in model.parameters()) / 1e6 == pytest.approx(count, abs=6e-4)


def test_the_tap_of_the_code_is_behind_the_first_stage_of_the_decoder():
    """At 1/16, as the authors' trainer takes it for the margin."""
    taps = load_config('mmanet-full/streets_rgb-ir').model.students.student.taps
    model = build(mask=False).eval()
    recorder = Taps(model, dict(stage16=taps['stage16']))
    with torch.no_grad(), recorder.recording() as found:
        model(images(), mode='tensor')
    assert found['stage16'].shape == (2, 16, 4, 6)
