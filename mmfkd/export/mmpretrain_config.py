"""The config of a classification student as a config of mmpretrain."""

from typing import Any

from mmengine.config import Config

from mmfkd.config import without_init
from mmfkd.datasets.lists import with_classes
from mmfkd.datasets.pipelines import steps_of
from mmfkd.registry import DATASETS

from .mmseg_config import dataset_config, plain

COLOR = dict(type='LoadImageFromFile')


def plain_classifier_config(cfg: Config, spec: dict) -> Config:
    """The config of a student in mmpretrain.

    An image student takes an image file, a clip's student one of its frames (the logits of a clip
    are the mean of those of its frames), an audio student the array of ``LogSpectrogram``. The
    encoder of a text student is mmfkd's, so its config imports mmfkd; call it with tokens, past
    the data preprocessor, which would make floats of them.

    Raises:
        ValueError: mmpretrain cannot express it.
    """
    if 'backbone' not in spec['model'] or 'head' not in spec['model']:
        raise ValueError(f"a student of type '{spec['model'].get('type')}' has no backbone and "
                         'head that could be exported: only ImageClassifier is; mmfkd predict '
                         'takes its work dir')
    model = plain_model(spec['model'])
    preprocessor = plain_preprocessor(spec.get('norm') or {}, model)
    config = dict(
        default_scope='mmpretrain',
        data_preprocessor=preprocessor,
        model={**model, 'data_preprocessor': preprocessor},
        test_dataloader=dict(
            batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='CustomDataset', metainfo=dict(classes=class_names(cfg)),
                         pipeline=plain_pipeline(dataset_config(cfg), spec['modality']))))
    if own_encoder(model):
        config['custom_imports'] = dict(imports=['mmfkd.models'], allow_failed_imports=False)
    return Config(config)


def is_text(spec: dict) -> bool:
    """Whether the student takes tokens."""
    backbone = spec['model'].get('backbone') or {}
    return (backbone.get('type') == 'mmfkd.BertEncoder'
            or own_encoder(spec['model']) and backbone.get('pad_token') is not None)


def own_encoder(model: dict) -> bool:
    """Whether the encoder is mmfkd's, around one of transformers."""
    return (model.get('backbone') or {}).get('type') in ('mmfkd.BertEncoder', 'mmfkd.HFEncoder')


def frames(spec: dict) -> int:
    """Number of frames of the clips that the student takes."""
    return (spec['model'].get('neck') or {}).get('frames', 1)


def plain_model(model: dict) -> dict:
    """The model in mmpretrain's scope: one frame at a time, and BERT by its architecture."""
    model = without_init(model)
    if model['head'].get('loss', {}).get('type') == 'mmfkd.LabelledCrossEntropyLoss':
        model['head']['loss'] = dict(model['head']['loss'], type='CrossEntropyLoss')
    if (model.get('neck') or {}).get('type') == 'mmfkd.FramePooling':
        model['neck'] = dict(type='GlobalAveragePooling')
    if not own_encoder(model):
        return plain(model, 'model', 'mmpretrain')
    encoder = explicit_encoder(model.pop('backbone'))
    return {**plain(model, 'model', 'mmpretrain'), 'backbone': encoder}


def explicit_model(model: dict) -> dict:
    """A model whose encoder has its architecture in the config, and names no folder."""
    if not own_encoder(model):
        return model
    return {**model, 'backbone': explicit_encoder(model['backbone'])}


def explicit_encoder(encoder: dict) -> dict:
    """An encoder with the architecture itself in place of the directory that has it."""
    from transformers import BertConfig

    from mmfkd.models.networks.bert import from_hub
    from mmfkd.models.networks.hf_encoder import architecture as hf_architecture

    if encoder.get('pretrained') is None:
        return dict(encoder)
    if encoder['type'] == 'mmfkd.HFEncoder':
        found = hf_architecture(encoder['pretrained'], None).to_diff_dict()
        return {**encoder, 'pretrained': None, 'config': found}
    architecture = from_hub(BertConfig, encoder['pretrained'])
    names = ('vocab_size', 'hidden_size', 'num_hidden_layers', 'num_attention_heads',
             'intermediate_size', 'hidden_act', 'hidden_dropout_prob',
             'attention_probs_dropout_prob', 'max_position_embeddings', 'type_vocab_size',
             'layer_norm_eps')
    return {**encoder, 'pretrained': None,
            'config': {name: getattr(architecture, name) for name in names}}


def plain_preprocessor(norm: dict, model: dict) -> dict:
    """The branch's normalisation as mmpretrain's ``ClsDataPreprocessor``."""
    return dict(type='ClsDataPreprocessor', mean=norm.get('mean'), std=norm.get('std'),
                to_rgb=norm.get('bgr_to_rgb', False), num_classes=model['head']['num_classes'])


def plain_pipeline(dataset: dict, modality: str) -> list[dict]:
    """The test pipeline for one image file; for sound and text, packing alone."""
    steps = []
    for step in steps_of(dataset.get('pipeline', ()), modality):
        name = step['type'].removeprefix('mmfkd.')
        if name in ('LoadImage', 'LoadFrames'):
            steps.append(step.get('loader') or COLOR)
        elif name == 'TransformImages':
            steps += step['transforms']
    return plain([*steps, dict(type='PackInputs')], 'test_pipeline', 'mmpretrain')


def class_names(cfg: Config) -> list[str]:
    """Names of the classes; numbers where the data set takes them from its files."""
    dataset = dataset_config(cfg)
    given = (with_classes(dataset.get('metainfo')) or {}).get('classes')
    own: Any = getattr(DATASETS.get(dataset['type']), 'METAINFO', {}).get('classes')
    count = next(iter(cfg.model.students.values()))
    if given or own:
        return list(given or own)
    return [str(i) for i in range(count['model']['head']['num_classes'])]
