"""Every method trains a step on networks of OpenMMLab, timm and transformers, as both branches."""

import warnings

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmfkd.config import methods
from mmfkd.config.method_files import method_file
from mmfkd.models import CrossModalDistiller

CLASSES = 4
HF = dict(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32)


def classifier(backbone, width, neck=None, head=None):
    return dict(_scope_='mmpretrain', type='ImageClassifier', backbone=backbone, neck=neck,
                head=dict(type=head or 'LinearClsHead', num_classes=CLASSES, in_channels=width))


def segmentor(backbone, head):
    return dict(_scope_='mmseg', type='EncoderDecoder', backbone=backbone, train_cfg=dict(),
                decode_head=dict(head, num_classes=CLASSES, dropout_ratio=0.0,
                                 norm_cfg=dict(type='BN'), align_corners=False,
                                 loss_decode=dict(type='CrossEntropyLoss')),
                test_cfg=dict(mode='whole'))


def stages(pattern, *names):
    return [pattern.format(name) for name in names]


GAP = dict(type='GlobalAveragePooling')
RESNET = dict(type='ResNet', depth=18, stem_channels=8, base_channels=8)
IMAGE, WAVE, TEXT, SOUND = (3, 64, 64), (800,), (12,), (1, 32, 48)
# Name to its config, the shape of a sample, four stages with their widths, and the logits.
CLASSIFIERS = dict(
    resnet=(classifier(dict(RESNET, out_indices=(3,)), 64, GAP), IMAGE,
            stages('backbone.layer{}', 1, 2, 3, 4), (8, 16, 32, 64), 'head.fc'),
    vit=(classifier(dict(type='VisionTransformer', img_size=64, patch_size=16, arch=dict(
        embed_dims=16, num_layers=4, num_heads=2, feedforward_channels=32)), 16,
        head='VisionTransformerClsHead'), IMAGE,
        stages('backbone.layers.{}:1+NPC', 0, 1, 2, 3), (16,) * 4, 'head.layers.head'),
    swin=(classifier(dict(type='SwinTransformer', img_size=64, window_size=2, arch=dict(
        embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4])), 64, GAP), IMAGE,
        stages('backbone.stages.{}[0]:NPC', 0, 1, 2, 3), (8, 16, 32, 64), 'head.fc'),
    convnext=(classifier(dict(type='ConvNeXt', arch=dict(depths=[1] * 4, channels=[
        8, 16, 24, 32])), 32), IMAGE, stages('backbone.stages.{}', 0, 1, 2, 3), (8, 16, 24, 32),
        'head.fc'),
    timm_swin=(dict(_scope_='mmpretrain', type='TimmClassifier',
                    model_name='swin_tiny_patch4_window7_224', num_classes=CLASSES, img_size=64,
                    window_size=2, depths=(1, 1, 1, 1), embed_dim=8, num_heads=(1, 2, 2, 4),
                    loss=dict(type='CrossEntropyLoss')), IMAGE,
               stages('model.layers.{}:NHWC', 0, 1, 2, 3), (8, 16, 32, 64), 'model.head'),
    timm_resnet=(dict(_scope_='mmpretrain', type='TimmClassifier', model_name='resnet10t',
                      num_classes=CLASSES, loss=dict(type='CrossEntropyLoss')), IMAGE,
                 stages('model.layer{}', 1, 2, 3, 4), (64, 128, 256, 512), 'model.fc'),
    bert=(classifier(dict(type='mmfkd.BertEncoder', config=dict(HF, vocab_size=50)), 16), TEXT,
          stages('backbone.stages.{}:NLC', 0, 1, 2, 3), (16,) * 4, 'head.fc'),
    hf_bert=(classifier(dict(type='mmfkd.HFEncoder', pad_token=0, config=dict(
        HF, model_type='bert', vocab_size=50)), 16), TEXT,
        stages('backbone.stages.{}:NLC', 0, 1, 2, 3), (16,) * 4, 'head.fc'),
    # Patches of 16 that begin every 10: 2 rows and 4 columns behind two tokens.
    ast=(classifier(dict(type='mmfkd.HFEncoder', spectrogram=True, config=dict(
        HF, model_type='audio-spectrogram-transformer', num_mel_bins=32, max_length=48)), 16),
        SOUND, stages('backbone.stages.{}:2+NPC2x4', 0, 1, 2, 3), (16,) * 4, 'head.fc'),
    wav2vec=(classifier(dict(type='mmfkd.HFEncoder', config=dict(
        HF, model_type='wav2vec2', conv_dim=(8, 8), conv_stride=(5, 4), conv_kernel=(10, 8),
        num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2)),
        16), WAVE, stages('backbone.stages.{}:NLC', 0, 1, 2, 3), (16,) * 4, 'head.fc'))
SEGMENTORS = dict(
    fcn=(segmentor(RESNET, dict(type='FCNHead', in_channels=64, channels=8, in_index=3)), IMAGE,
         stages('backbone.layer{}', 1, 2, 3, 4), (8, 16, 32, 64), 'decode_head.conv_seg'),
    segformer=(segmentor(dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1] * 4,
                              num_heads=[1, 2, 2, 4]),
                         dict(type='SegformerHead', in_channels=[8, 16, 16, 32], channels=8,
                              in_index=[0, 1, 2, 3])), IMAGE,
               stages('backbone[{}]', 0, 1, 2, 3), (8, 16, 16, 32), 'decode_head.conv_seg'),
    unet=(segmentor(dict(type='UNet', base_channels=8),
                    dict(type='FCNHead', in_channels=8, channels=8, in_index=4)), IMAGE,
          stages('backbone[{}]', 4, 3, 2, 1), (8, 16, 32, 64), 'decode_head.conv_seg'),
    pspnet=(segmentor(RESNET, dict(type='PSPHead', in_channels=64, channels=8, in_index=3,
                                   pool_scales=(1, 2))), IMAGE,
            stages('backbone.layer{}', 1, 2, 3, 4), (8, 16, 32, 64), 'decode_head.conv_seg'))
# One network of each kind is the partner of the others.
PAIRS = [(name, 'resnet') for name in CLASSIFIERS] + [(name, 'fcn') for name in SEGMENTORS]
NETWORKS = {**CLASSIFIERS, **SEGMENTORS}


def branch(name, modality):
    model, _, places, _, logits = NETWORKS[name]
    taps = dict(logits=logits, feat=places[-1])
    for i, place in enumerate(places, 1):
        # Networks without a ReLU behind a stage have no place before it.
        taps[f'layer{i}'] = taps[f'pre{i}'] = place
    return dict(model=model, modality=modality, taps=taps,
                pool=['feat'] if name in CLASSIFIERS else [])


def losses_of(method, student, teacher):
    """The losses of a method's file, with what a pair offers."""
    how = method_file(method)[0]
    own, other = NETWORKS[student][3], NETWORKS[teacher][3]
    offered = dict(num_classes=CLASSES, student_stages=own, teacher_stages=other,
                   student_proxy=own[2], teacher_proxy=other[2])
    if own[-1] != other[-1]:
        offered['adapter'] = (
            dict(type='Linear', in_features=own[-1], out_features=other[-1])
            if student in CLASSIFIERS else
            dict(type='Conv2d', in_channels=own[-1], out_channels=other[-1], kernel_size=1))
    losses = how.to_dict()['losses']
    for name, arguments in {**(how.get('takes') or {}), **(how.get('takes_if_offered') or {})
                            }.items():
        losses[name].update({key: offered[value] for key, value in arguments.items()
                             if value in offered})
    if student in SEGMENTORS:
        for name, arguments in (how.get('segmentation') or {}).items():
            losses[name].update(arguments)
    return losses


def inputs_of(name):
    shape = NETWORKS[name][1]
    return torch.randint(1, 50, (3, *shape)) if shape == TEXT else torch.rand(3, *shape)


def samples_of(name):
    if name in CLASSIFIERS:
        return [DataSample().set_gt_label(label) for label in (0, 3, 1)]
    return [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(CLASSES, (1, 64, 64))),
                          metainfo=dict(img_shape=(64, 64))) for _ in range(3)]


@pytest.mark.parametrize('method', [name for name in methods() if name != 'transfer'])
@pytest.mark.parametrize(('one', 'other'), PAIRS)
def test_a_step(one, other, method):
    """Either network learns from the other, and every term is a number with a gradient."""
    init_default_scope('mmfkd')
    for student, teacher in ((one, other), (other, one)):
        second = next(iter(method_file(method)[0].get('second_student') or ['teacher']))
        students = {'student': branch(student, 'own'), second: branch(teacher, 'its')}
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            model = CrossModalDistiller(ConfigDict(students),
                                        losses=ConfigDict(losses_of(method, student, teacher)))
        model.train()
        inputs = dict(own=inputs_of(student), its=inputs_of(teacher))
        losses = model(inputs, samples_of(student), mode='loss')
        terms = [value for key, value in losses.items() if key.startswith('loss_')]
        assert terms and all(value.isfinite() and value.requires_grad for value in terms)
        sum(terms).backward()
        moved = [value.grad for value in model.students['student'].parameters()
                 if value.grad is not None]
        assert moved and all(grad.isfinite().all() for grad in moved)
        assert any(grad.abs().max() > 0 for grad in moved)
