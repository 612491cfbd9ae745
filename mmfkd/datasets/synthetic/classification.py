"""Embedded classification data sets: clips of sound and frames, tweets of text and image."""

from collections.abc import Callable, Sequence

from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset

from mmfkd.datasets.labelled import UNLABELLED, Labels, check_labels, labelled_samples
from mmfkd.registry import DATASETS, TRANSFORMS

from . import talking_heads, tweets
from .seeding import check_size, scene_seed


class SyntheticPairs(BaseDataset):
    """A split of rendered pairs with a class each; its pipeline starts with the renderer.

    Args:
        num_samples: Number of samples; every class has the same share, up to one sample.
        seed: Names the split, 0 or greater: different seeds give disjoint samples, and a larger
            ``num_samples`` adds samples without changing the first ones.
        size: Height and width of an image in pixels.
        pipeline: Transforms, as configs or callables.
        test_mode: Whether a sample that the pipeline drops is an error instead of being redrawn.
        indices: Keep the first ``indices`` samples, or the listed ones.
        lazy_init: Whether to leave listing the samples to ``full_init``.
        labels: 'all', 'none' or the share of the samples that have a label; the others have -100.

    Raises:
        ValueError: If ``num_samples``, ``seed`` or ``size`` is out of range.
    """

    def __init__(self, num_samples: int, seed: int = 0, size: Sequence[int] = (64, 64),
                 pipeline: Sequence[dict | Callable] = (), test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False,
                 labels: Labels = 'all') -> None:
        check_labels(labels)
        if num_samples < 1:
            raise ValueError(f'num_samples={num_samples} leaves the split empty: set it to 1 or '
                             'more')
        if seed < 0:
            raise ValueError(f'seed={seed} must not be negative: set it to 0 or more')
        self.num_samples, self.seed, self.size = num_samples, seed, check_size(size)
        self.labels = labels
        super().__init__(pipeline=list(pipeline), test_mode=test_mode, indices=indices,
                         lazy_init=lazy_init)

    def load_data_list(self) -> list[dict]:
        """One small dict per sample; ``img_path`` only names it for logs and hooks."""
        classes = len(self.METAINFO['classes'])
        names = [f'synthetic/{i:06d}' for i in range(self.num_samples)]
        labelled = labelled_samples(self.labels, names, [True] * len(names), self.seed)
        return [dict(img_path=name, scene_seed=scene_seed(self.seed, i), size=self.size,
                     scene_class=i % classes,
                     gt_label=i % classes if labelled[i] else UNLABELLED)
                for i, name in enumerate(names)]


@DATASETS.register_module()
class SyntheticAudioVisual(SyntheticPairs):
    """Rendered talking heads with the six emotions of CREMA-D; see :class:`RenderAudioVisual`."""

    METAINFO = dict(classes=talking_heads.CLASSES)


@DATASETS.register_module()
class SyntheticTextImage(SyntheticPairs):
    """Rendered tweets with the five classes of CrisisMMD; see :class:`RenderTextImage`."""

    METAINFO = dict(classes=tweets.CLASSES)


@TRANSFORMS.register_module()
class RenderAudioVisual(BaseTransform):
    """Renders the clip that an entry of :class:`SyntheticAudioVisual` describes.

    Reads ``scene_seed``, ``scene_class`` and ``size``. Adds ``modalities``, ``{'audio': float32
    (S,) in -1..1 at 16 kHz, 1 to 3 seconds, 'visual': list of three uint8 (H, W, 3) BGR}``, and
    ``rates``.

    ``READERS`` read files of these modalities in its place.
    """

    READERS = (dict(type='LoadAudio', rate=talking_heads.RATE),
               dict(type='LoadFrames', num_frames=talking_heads.FRAMES))

    def transform(self, results: dict) -> dict:
        """See the class."""
        results['modalities'] = talking_heads.render_clip(
            results['scene_seed'], results['scene_class'], results['size'])
        results['rates'] = dict(audio=talking_heads.RATE)
        return results


@TRANSFORMS.register_module()
class RenderTextImage(BaseTransform):
    """Renders the tweet that an entry of :class:`SyntheticTextImage` describes.

    Reads ``scene_seed``, ``scene_class`` and ``size``. Adds ``modalities``, ``{'text': str,
    'image': uint8 (H, W, 3) BGR}``.

    ``READERS`` read files of these modalities in its place.
    """

    READERS = (dict(type='LoadImage', modality='image'),)

    def transform(self, results: dict) -> dict:
        """See the class."""
        tweet = tweets.render_tweet(results['scene_seed'], results['scene_class'], results['size'])
        results['modalities'] = dict(text=tweet['text'], image=tweet['image'])
        return results
