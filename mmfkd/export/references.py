"""Raw inputs of a student and its logits, with which exports are compared."""

from collections.abc import Sequence

import torch
from mmengine.config import Config
from torch import Tensor

from mmfkd.datasets.pipelines import made_size
from mmfkd.inference.reading import kinds_of, unlabelled
from mmfkd.inference.samples import IMAGE, SOUND
from mmfkd.models import Branch

from .mmpretrain_config import frames, is_text
from .mmseg_config import channels, dataset_config
from .program import SMALLEST

DEFAULT_SIZE = (480, 640)


def kind_of(cfg: Config, spec: dict) -> str:
    """What the modality is, see :mod:`mmfkd.inference.samples`."""
    steps = list(unlabelled(dataset_config(cfg).get('pipeline') or ()))
    return kinds_of(steps).get(spec['modality'], IMAGE)


def reference_sizes(cfg: Config, spec: dict, size: tuple[int, int] | None
                    ) -> list[tuple[int, int]]:
    """Height and width of three inputs; of texts, of one length."""
    made = size or made_size(dataset_config(cfg).get('pipeline', ()), spec['modality'])
    if made is None and kind_of(cfg, spec) == SOUND:
        raise ValueError(f"the pipeline makes no spectrogram of '{spec['modality']}': networks of "
                         'waves are not exported; mmfkd predict takes their work dir')
    divisor = (cfg.model.get('data_preprocessor') or {}).get('size_divisor', 1)
    height, width = padded(made or DEFAULT_SIZE, divisor)
    if is_text(spec):
        return [(height, width)] * 3
    lower = height // 2 if height >= 2 * SMALLEST else height
    return [padded(one, divisor) for one in (
        (height, width), (height + 27, width + 13), (lower, width + 64))]


def raw_input(spec: dict, samples: int, height: int, width: int) -> Tensor:
    """A random (samples · T, C, H, W) input in the raw units of the modality, or (samples, L).

    It is the same every time; T is the number of frames of a clip.
    """
    generator = torch.Generator().manual_seed(0)
    if is_text(spec):
        return torch.randint(1, 100, (samples, width), generator=generator)
    noise = torch.randn(samples * frames(spec), channels(spec), height, width, generator=generator)
    norm = spec.get('norm') or dict(mean=[0.0], std=[1.0])
    mean, std = (torch.tensor(norm[key]).view(-1, 1, 1) for key in ('mean', 'std'))
    return noise * std + mean


def padded(size: tuple[int, int], divisor: int) -> tuple[int, int]:
    """Height and width as the data preprocessor pads them."""
    height, width = (-(-length // divisor) * divisor for length in size)
    return height, width


def reference_cases(branch: Branch, spec: dict, sizes: Sequence[tuple[int, int]]
                    ) -> list[dict[str, Tensor]]:
    """Raw inputs and the student's logits; of the first size alone, where it takes no other."""
    def case(samples: int, size: tuple[int, int]) -> dict[str, Tensor]:
        raw, clips = raw_input(spec, samples, *size), frames(spec)
        with torch.no_grad():
            # The logits of a clip are of all its frames.
            x = raw.unflatten(0, (-1, clips)) if clips > 1 else raw
            return dict(input=raw, logits=branch({branch.modality: x}, record=False).output)

    first = case(2, sizes[0])
    try:
        return [first, case(1, sizes[1]), case(3, sizes[2])]
    except (AssertionError, RuntimeError, ValueError) as error:
        print(f'the network takes one size alone, {sizes[0][0]}x{sizes[0][1]}: {error}')
        return [first, case(1, sizes[0]), case(3, sizes[0])]
