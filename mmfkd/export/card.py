"""The README of an export: what the network is, how to use it, how good it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

TASKS = {'segmentation': 'image-segmentation', 'image': 'image-classification',
         'clip': 'video-classification', 'sound': 'audio-classification',
         'text': 'text-classification'}
RAW = {'image': 'pixels as the file holds them, colour in the order BGR',
       'clip': 'pixels of a frame as the file holds them, colour in the order BGR',
       'sound': 'a spectrogram as the pipeline of student.py makes it',
       'text': 'tokens as the pipeline of student.py makes them'}


@dataclass(frozen=True)
class Card:
    """What a model card says.

    Attributes:
        name: of the run.
        segments: whether it segments, or classifies.
        modality: name of what it takes.
        kind: of that, see :mod:`mmfkd.inference.samples`.
        shape: of one raw input, such as (3, 480, 640).
        sizes: that the program takes, 'any' or 'one'; empty where there is no program.
        norm: mean, std and order of the channels, which the program applies itself.
        classes: names.
        summary: of the run, or empty.
        metric: that selected the checkpoint.
        licence: of the data, as the user states it.
        distilled: whether a loss of a distillation took part in its training.
        unit: of the input, in place of the usual one of its kind; empty for that.
        divisor: that height and width are a multiple of.
        threshold: of the probability of the second of two classes, where one logit says it.
        resized: height and width to which the test pipeline brings images; None where it does not.
        onnx: sizes that the ONNX model takes, like ``sizes``.
        edits: of the config since the run, whose scores are then those of another network.
    """

    name: str
    segments: bool
    modality: str
    kind: str
    shape: tuple[int, ...]
    sizes: str
    norm: Mapping[str, object]
    classes: tuple[str, ...]
    summary: Mapping[str, object]
    metric: str
    licence: str
    distilled: bool = False
    unit: str = ''
    divisor: int = 1
    threshold: float | None = None
    resized: tuple[int, int] | None = None
    onnx: str = ''
    edits: Sequence[str] = ()

    @property
    def rule(self) -> str:
        """The line that takes the classes from the logits."""
        if self.threshold is None:
            return 'classes = logits.argmax(1)'
        return f'classes = (logits.sigmoid() > {self.threshold}).long().squeeze(1)'

    @property
    def output(self) -> str:
        """Shape of the logits."""
        count = 'classes' if self.threshold is None else '1'
        return f'(N, {count}, h, w)' if self.segments else f'(N, {count})'

    @property
    def raw(self) -> str:
        """What the input is."""
        pads = (f'; H and W are multiples of {self.divisor}, padded with zeros at the right and at '
                'the bottom, as in training (mmseg pads after normalising)')
        return self.values + (pads if self.divisor > 1 else '')

    @property
    def values(self) -> str:
        """What the values of the input are."""
        size = f', resized to {self.resized[0]}x{self.resized[1]} (HxW)' if self.resized else ''
        return (self.unit or RAW[self.kind]) + size

    @property
    def free(self) -> str:
        """Which program takes other sizes, where one of them does not; else empty."""
        if {self.sizes, self.onnx} != {'any', 'one'}:
            return ''
        names = ('`program.pt2`', '`model.onnx`')
        fixed, free = names if self.sizes == 'one' else names[::-1]
        return f'{fixed} takes H and W of {"x".join(map(str, self.shape[1:]))} alone, {free} any'


def text_of(card: Card) -> str:
    """The card as Markdown, with the head that model hubs read."""
    head = dict(library_name='pytorch', tags=[
        'mmfkd', *(['knowledge-distillation'] if card.distilled else []), card.modality],
                pipeline_tag=TASKS['segmentation' if card.segments else card.kind])
    dtype = 'int64' if card.kind == 'text' else 'float32'
    numbers = ', '.join(map(str, card.shape))
    free = f'{card.shape[0]}, H, W' if card.sizes == 'any' else numbers
    use = ['```python', 'import torch', '',
           "network = torch.export.load('program.pt2').module()",
           f'raw = torch.zeros(1, {numbers}, dtype=torch.{dtype})  # {card.values}',
           'logits = network(raw)', card.rule, '```', ''] if card.sizes else []
    how = 'cross-modal knowledge distillation by mmfkd' if card.distilled else 'mmfkd'
    return '\n'.join([
        '---', yaml.safe_dump(head, sort_keys=False).rstrip(), '---', '', f'# {card.name}', '',
        f'A network that {"segments" if card.segments else "classifies"} `{card.modality}`, '
        f'trained with {how}.', '', *use,
        '| | |', '|---|---|',
        f'| input | `{card.modality}`, {dtype} (N, {free}): {card.raw} |',
        *([f'| sizes | {card.free} |'] if card.free else []),
        f'| output | logits {card.output} |',
        f'| normalisation, inside the network | {spelled(card.norm)} |',
        f'| classes | {", ".join(card.classes)} |',
        *(f'| {key} | {value} |' for key, value in scores(card).items()),
        f'| licence of the training data | {card.licence or "not stated"} |', '',
        '`config.py` and `weights.pth` open in mmseg or mmpretrain, `weights.safetensors` holds '
        'the same weights, and `mmfkd predict` opens the folder.', ''])


def spelled(norm: Mapping[str, object]) -> str:
    """Mean and standard deviation of the channels."""
    if not norm:
        return 'none'
    order = ', RGB' if norm.get('bgr_to_rgb') else ''
    return f'mean {norm["mean"]}, standard deviation {norm["std"]}{order}'


def scores(card: Card) -> dict[str, str]:
    """Seed and scores of the run."""
    summary = card.summary
    if card.edits:
        return {'scores': f'not known: the run was scored otherwise, by {"; ".join(card.edits)}'}
    if not summary:
        return {'scores': 'not known: of these weights alone no run has any'}
    test = summary.get('test')
    found = {'seed': str(summary.get('seed')),
             f'{card.metric} on validation': number(summary.get('val')),
             f'{card.metric} on test': number(test.get(card.metric) if isinstance(test, dict)
                                              else None)}
    if summary.get('gain') is not None:
        alone = f' with {summary["gain_with"]} alone' if summary.get('gain_with') else ''
        found[f'against the baseline of the same seed{alone}'] = f'{summary["gain"]:+.2f}'
    return found


def number(value: object) -> str:
    """Two digits."""
    return f'{value:.2f}' if isinstance(value, (int, float)) else '-'
