"""The config of a segmentation student as a config of mmseg alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmfkd.config import without_init
from mmfkd.config.options import datasets_of, reading_loader
from mmfkd.datasets.image_files import COLOR, GREY, UNCHANGED, default_loader
from mmfkd.datasets.lists import with_classes
from mmfkd.datasets.palettes import voc_palette
from mmfkd.datasets.pipelines import registered_modalities
from mmfkd.registry import DATASETS, TRANSFORMS

# Steps of our pipelines whose work one loader and mmseg's PackSegInputs do for one modality.
REPLACED = ('LoadModalities', 'RenderRGBD', 'RenderEOIR', 'StackModalities', 'PackModalities',
            'LoadAnnotations', 'LoadCheckedAnnotations')


def plain_config(cfg: Config, spec: dict) -> Config:
    """The config of a student in mmseg.

    Losses are not exported. A decode head of mmfkd has no equal in mmseg, so such a config
    imports mmfkd; its program does not.

    Raises:
        ValueError: mmseg cannot express it.
    """
    scope = spec['model'].get('_scope_')
    if scope != 'mmseg' or not isinstance(spec['modality'], str):
        raise ValueError(f"the student has _scope_='{scope}' and modality={spec['modality']}: "
                         "only a model with _scope_='mmseg' and one modality is an ordinary "
                         'mmseg model')
    dataset = dataset_config(cfg)
    pipeline = plain_pipeline(dataset, spec['modality'], channels(spec))
    preprocessor = plain_preprocessor(spec.get('norm'), cfg.model.get('data_preprocessor') or {})
    model = plain_segmentor(without_init(spec['model']))
    own = str(model['decode_head'].get('type')).startswith('mmfkd.')
    imports = dict(custom_imports=dict(imports=['mmfkd.models'], allow_failed_imports=False))
    return Config(dict(
        **(imports if own else {}),
        default_scope='mmseg',
        data_preprocessor=preprocessor,
        model={**model, 'data_preprocessor': preprocessor},
        test_pipeline=pipeline,
        # Inferencers draw with it.
        visualizer=dict(type='SegLocalVisualizer', name='visualizer',
                        vis_backends=[dict(type='LocalVisBackend')]),
        test_dataloader=dict(
            batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='BaseSegDataset', metainfo=dataset_meta(cfg), test_mode=True,
                         pipeline=pipeline))))


def plain_segmentor(model: dict) -> dict:
    """The model in mmseg's scope, without the losses of its decode head."""
    head = {**model['decode_head'], 'loss_decode': dict(type='CrossEntropyLoss')}
    if head['type'] != 'mmfkd.DeepLabV3PlusHead':
        return plain({**model, 'decode_head': head}, 'model')
    return {**plain({**model, 'decode_head': {}}, 'model'), 'decode_head': head}


def plain(config: Any, place: str, scope: str = 'mmseg') -> Any:
    """A copy of a config in a scope of its own, without ``_scope_`` and prefixes of that scope."""
    if isinstance(config, (list, tuple)):
        return type(config)(plain(item, f'{place}[{i}]', scope) for i, item in enumerate(config))
    if not isinstance(config, Mapping):
        return config
    name = config.get('type')
    if str(name).startswith('mmfkd.') or config.get('_scope_') == 'mmfkd':
        raise ValueError(
            f"{place}: type='{name}' is of mmfkd, and the exported model must open without it. "
            f'In a copy of the config put a type of {scope} there that has the same weights; a '
            f'loss has none, so any loss of {scope} will do.')
    copy = {key: plain(value, f'{place}.{key}', scope) for key, value in config.items()
            if (key, value) != ('_scope_', scope)}
    if isinstance(name, str):
        copy['type'] = name.removeprefix(f'{scope}.')
    return copy


def plain_preprocessor(norm: dict | None, data_preprocessor: dict) -> dict:
    """The branch's normalisation as mmseg's ``SegDataPreProcessor``.

    Padding to a divisor is kept, but mmseg pads after normalising and mmfkd before: padded
    pixels are the mean there and raw zeros here.
    """
    mean = (norm or {}).get('mean')
    if mean is not None and len(mean) not in (1, 3):
        raise ValueError(f'norm has {len(mean)} channels, but SegDataPreProcessor of mmseg '
                         'normalises 1 or 3: this student cannot be a plain mmseg model')
    divisor = data_preprocessor.get('size_divisor', 1)
    return dict(type='SegDataPreProcessor', **plain(dict(norm or {}), 'norm'),
                pad_val=0, seg_pad_val=255,
                test_cfg=dict(size_divisor=divisor) if divisor > 1 else None)


def dataset_config(cfg: Config) -> dict:
    """Config of the data set that says how images are read, resized and labelled.

    It is that of :func:`reading_loader`; of joined data sets the first.

    Raises:
        ValueError: there is none, or joined ones read their images in other ways.
    """
    loader = reading_loader(cfg)
    found = [one for one in datasets_of(cfg[loader] if loader else None)
             if not {'dataset', 'datasets'} & set(one)]
    if not found:
        raise ValueError(f'{cfg.filename}: test_dataloader.dataset is missing; it says how an '
                         'image is read and what the classes are. Name a config that has it, '
                         "with dataset.labels='none' where it has no labels, and the file of the "
                         'checkpoint')
    first, *others = found
    other = [key for key in ('pipeline', 'modalities', 'metainfo', 'type')
             if any(one.get(key) != first.get(key) for one in others)]
    if other:
        raise ValueError(f'{cfg.filename}: the data sets that {loader} joins differ in '
                         f'{", ".join(other)}, and one way to read images is needed: name one data '
                         f'set in {loader}')
    return first


def plain_pipeline(dataset: dict, modality: str, width: int) -> list[dict]:
    """The test pipeline for one image file: load, what the data set's own does to it, pack."""
    steps = [image_loader(dataset, modality, width)]
    for step in dataset.get('pipeline', ()):
        name = step['type'].removeprefix('mmfkd.')
        if name == 'ForModality':
            steps += step['transforms'] if step['modality'] == modality else []
        elif name not in REPLACED:
            steps.append({**step, 'type': qualified(name)})
    return plain([*steps, dict(type='PackSegInputs')], 'test_pipeline')


def image_loader(dataset: dict, modality: str, width: int) -> dict:
    """How the data set reads a file of the modality.

    Where it reads none (rendered scenes), colour is 8 bits and a single channel is taken as it
    is, because a conversion to grey would cut 16 bits to 8. Infrared of three equal channels is
    read as colour, of one as grey, so scale files of 16 bits to 8 before. Arrays are given as
    arrays.
    """
    registered = registered_modalities(dataset)
    color = width == 3
    if modality not in registered:
        return COLOR if color else UNCHANGED
    loader = registered[modality].get('loader') or default_loader(registered[modality])
    if loader['type'].endswith('LoadArray'):
        return dict(type='LoadImageFromNDArray')
    if loader['type'].endswith('LoadInfrared'):
        return COLOR if color else GREY
    return {**loader, 'type': qualified(loader['type'])}


def qualified(name: str) -> str:
    """The name of a transform with the scope of mmfkd, if it is one of mmfkd."""
    name = name.removeprefix('mmfkd.')
    return f'mmfkd.{name}' if name in TRANSFORMS.module_dict else name


def dataset_meta(cfg: Config) -> dict[str, list]:
    """Names and RGB colours of the classes, as mmseg keeps them in a checkpoint."""
    dataset = dataset_config(cfg)
    own = getattr(DATASETS.get(dataset['type']), 'METAINFO', {})
    given = (with_classes(dataset.get('metainfo')) or {}).get('classes')
    classes = given or own.get('classes')
    if not classes:
        raise ValueError(f"{cfg.filename}: {reading_loader(cfg)}.dataset of type "
                         f"'{dataset['type']}' "
                         'has no classes; give it metainfo=dict(classes=(...))')
    return dict(classes=list(classes), palette=palette_of(dataset, classes))


def palette_of(dataset: Mapping, classes: Sequence[str]) -> list[list[int]]:
    """RGB colours of classes: those of the config, of the data set's class, or PASCAL VOC's."""
    given = (dataset.get('metainfo') or {}).get('palette')
    if given:
        if len(given) != len(classes) or not all(0 <= x <= 255 for color in given for x in color):
            raise ValueError(f'metainfo.palette has {len(given)} colours for {len(classes)} '
                             'classes: give one for each, (R, G, B) from 0 to 255')
        return [list(color) for color in given]
    own = getattr(DATASETS.get(dataset['type']), 'METAINFO', {})
    colors = {**dict(zip(classes, voc_palette(len(classes)), strict=True)),
              **dict(zip(own.get('classes', ()), own.get('palette', ()), strict=False))}
    return [list(colors[name]) for name in classes]


def channels(spec: dict) -> int:
    """Number of channels that the student takes."""
    norm = spec.get('norm')
    return len(norm['mean']) if norm else spec['model']['backbone'].get('in_channels', 3)
