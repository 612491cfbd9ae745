"""The page: inputs with a switch each, samples to click, pictures, and a table."""

from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr
import mmcv
import numpy as np

from mmfkd.datasets.transforms.images import frame_number
from mmfkd.inference import Predictor
from mmfkd.inference.samples import CLIP, IMAGE, SOUND, SUFFIXES

from .answers import Answer, of_files, of_sample
from .networks import kinds_of
from .samples import Samples

HEAD = ['network', 'given', 'prediction', 'ms']


class Page:
    """A page for the networks of a run.

    Args:
        networks: title to network, the first student first.
        samples: of the test set; None leaves uploads alone.
    """

    def __init__(self, networks: Mapping[str, Predictor], samples: Samples | None) -> None:
        self.networks = dict(networks)
        self.samples = samples
        self.kinds = kinds_of(self.networks)
        if samples is not None:
            # The first call of a network is slower than all others, and says nothing of its speed.
            of_sample(self.networks, samples, 0, set(self.kinds))

    def blocks(self) -> gr.Blocks:
        """The page of gradio, not yet served."""
        with gr.Blocks(title='mmfkd', analytics_enabled=False) as blocks:
            gr.Markdown('# What the networks predict')
            picked: gr.State = gr.State(None)
            switches, uploads = [], []
            with gr.Row():
                for name, kind in self.kinds.items():
                    with gr.Column(min_width=200):
                        switches.append(gr.Checkbox(True, label=f'give {name}'))
                        uploads.append(upload(name, kind))
            button = gr.Button('Predict the uploads')
            gallery = None
            if self.samples is not None:
                gallery = gr.Gallery(
                    [self.samples.thumbnail(i) for i in range(len(self.samples))], columns=6,
                    label='Samples of the test set', object_fit='contain', allow_preview=False,
                    elem_id='samples', interactive=False, height=240)
            pictures = gr.Gallery(label='Predictions', columns=4, object_fit='contain',
                                  elem_id='predictions', interactive=False, height=260)
            rows = gr.Dataframe(headers=HEAD, interactive=False, elem_id='answers')
            gr.HTML(legend(next(iter(self.networks.values()))))
            inputs, outputs = [picked, *switches, *uploads], [pictures, rows]
            button.click(lambda: None, outputs=picked).then(self.show, inputs, outputs)
            for switch in switches:
                switch.change(self.show, inputs, outputs)
            if gallery is not None:
                gallery.select(chosen, outputs=picked).then(self.show, inputs, outputs)
        return blocks

    def show(self, picked: int | None, *values: Any) -> tuple[list[tuple], list[list[str]]]:
        """Pictures and rows for a sample that was picked, or for the uploads.

        Args:
            picked: number of the sample; None takes the uploads.
            values: the switches of the modalities, then the uploads.

        Raises:
            gr.Error: shown on the page: every modality is off, or an upload cannot be read.
        """
        switches, uploads = values[:len(self.kinds)], values[len(self.kinds):]
        names = {name for name, on in zip(self.kinds, switches, strict=True) if on}
        if not names:
            raise gr.Error('every modality is switched off: switch one on')
        try:
            if picked is not None and self.samples is not None:
                found = of_sample(self.networks, self.samples, picked, names)
                truth = self.samples.truth(picked, next(iter(self.networks.values())).palette)
            else:
                found, truth = of_files(self.networks, {
                    name: as_input(value, self.kinds[name])
                    for name, value in zip(self.kinds, uploads, strict=True)
                    if name in names and value}), None
        except (FileNotFoundError, ValueError) as error:
            raise gr.Error(str(error)) from error
        return pictures_of(found, truth), [one.row() for one in found]


def upload(name: str, kind: str) -> gr.components.Component:
    """Where a user puts a modality; files keep their depth and format."""
    if kind == SOUND:
        return gr.Audio(label=name, type='filepath', sources=['upload', 'microphone'])
    if kind == IMAGE:
        return gr.File(label=f'{name}: an image file', type='filepath',
                       file_types=list(SUFFIXES[IMAGE]), height=120)
    if kind == CLIP:
        return gr.File(label=f'{name}: the frames of a clip', type='filepath',
                       file_count='multiple', height=120)
    return gr.Textbox(label=name, lines=3)


def as_input(value: Any, kind: str) -> Any:
    """An upload as a :class:`~mmfkd.inference.Predictor` takes it.

    Raises:
        ValueError: a frame is no image.
    """
    if kind != CLIP:
        return value
    # Every upload lies in a folder of its own, whose name says nothing.
    frames = [mmcv.imread(path) for path in sorted(value, key=frame_number)]
    if any(frame is None for frame in frames):
        raise ValueError('a frame of the clip is no image')
    return frames


def chosen(event: gr.SelectData) -> int:
    """The number of the sample that was clicked."""
    return int(event.index)


def pictures_of(answers: list[Answer], truth: np.ndarray | str | None) -> list[tuple]:
    """Pictures with captions: the truth where it is one, then every network."""
    first = [(truth, 'truth')] if isinstance(truth, np.ndarray) else []
    name = f', truth: {truth}' if isinstance(truth, str) else ''
    return [*first, *((picture, f'{one.title}{name}') for one in answers
                      if (picture := one.picture()) is not None)]


def legend(network: Predictor) -> str:
    """The colours of the classes as a line of HTML."""
    box = 'display:inline-block;width:1em;height:1em;background:rgb({},{},{})'
    return ' '.join(
        f'<span style="white-space:nowrap;margin-right:1em"><span style="{box.format(*colour)}">'
        f'</span> {escape(name)}</span>'
        for name, colour in zip(network.classes, network.palette.tolist(), strict=True))
