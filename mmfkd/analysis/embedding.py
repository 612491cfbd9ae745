"""Teacher's and student's features in one plane (FDKD, Figure 6)."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.manifold import TSNE


def balanced_indices(labels: np.ndarray, per_class: int, classes: Sequence[int] | None = None,
                     seed: int = 0, ignore_index: int = 255) -> np.ndarray:
    """Indices of the same number of samples of each class, drawn without repetition.

    Args:
        labels: (n,), of samples or pixels.
        per_class: samples a class.
        classes: those to draw; by default all that there are.
        seed: decides the draw.
        ignore_index: label that is no class.

    Returns:
        (len(classes) * per_class,), class by class.

    Raises:
        ValueError: a class has too few samples.
    """
    if per_class < 1:
        raise ValueError(f'per_class={per_class}: draw at least 1 sample a class')
    generator = np.random.default_rng(seed)
    if classes is None:
        classes = np.unique(labels[labels != ignore_index]).tolist()
    drawn = []
    for label in classes:
        places = np.flatnonzero(labels == label)
        if len(places) < per_class:
            raise ValueError(f'class {label} has {len(places)} samples, but per_class={per_class}: '
                             'draw fewer a class, leave the class out, or collect more samples or '
                             'pixels')
        drawn.append(generator.choice(places, per_class, replace=False))
    if not drawn:
        raise ValueError('there is no labelled sample to draw from: name a split with labels')
    return np.concatenate(drawn)


def embed(features: Mapping[str, np.ndarray], perplexity: float = 30.0, seed: int = 0
          ) -> dict[str, np.ndarray]:
    """t-SNE of several features together (van der Maaten & Hinton, JMLR 9, 2008).

    Started from the principal components and seeded, so that one machine draws it again.
    Distances between clusters, and their sizes, mean little in such a plane.

    Args:
        features: name to (n, D), of one width D.
        perplexity: effective number of neighbours, below the number of all rows.
        seed: of the optimisation.

    Returns:
        name to (n, 2).

    Raises:
        ValueError: widths differ, or there are too few rows for the perplexity.
    """
    shapes = {name: x.shape for name, x in features.items()}
    if len({shape[1:] for shape in shapes.values()}) != 1 or any(
            len(shape) != 2 for shape in shapes.values()):
        raise ValueError(f'features in one plane need one width, but have the shapes {shapes}: '
                         'name taps of equal width')
    counts = [len(x) for x in features.values()]
    if perplexity >= sum(counts):
        raise ValueError(f'perplexity={perplexity:g} must be below the number of points, '
                         f'{sum(counts)}: lower it or draw more samples a class')
    points = TSNE(perplexity=perplexity, init='pca', random_state=seed).fit_transform(
        np.concatenate(list(features.values())).astype(np.float32))
    return dict(zip(features, np.split(points, np.cumsum(counts)[:-1]), strict=True))
