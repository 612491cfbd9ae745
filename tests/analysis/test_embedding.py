"""The draw of samples and their places in the plane."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mmfkd.analysis.embedding import balanced_indices, embed
from mmfkd.visualization.charts import Cloud, scatter

LABELS = np.array([0, 1, 1, 0, 2, 255, 1, 0, 255, 1, 2, 0])


def test_classes_are_drawn_equally_and_the_ignored_label_never():
    chosen = balanced_indices(LABELS, 2)
    assert LABELS[chosen].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(set(chosen)) == 6
    assert LABELS[balanced_indices(LABELS, 3, classes=[1, 0])].tolist() == [1, 1, 1, 0, 0, 0]


def test_the_seed_decides_the_draw():
    labels = np.repeat(np.arange(3), 50)
    draws = [balanced_indices(labels, 10, seed=seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize('labels, arguments, message', [
    (LABELS, dict(per_class=3), 'class 2 has 2 samples, but per_class=3: draw fewer'),
    (LABELS, dict(per_class=1, classes=[7]), 'class 7 has 0 samples'),
    (LABELS, dict(per_class=0), 'at least 1 sample'),
    (np.full(5, 255), dict(per_class=1), 'no labelled sample')])
def test_what_cannot_be_drawn_is_refused(labels, arguments, message):
    with pytest.raises(ValueError, match=message):
        balanced_indices(labels, **arguments)


def clusters(seed=0, gap=20.0):
    """Two branches of two classes, far apart in 10 dimensions."""
    rng = np.random.default_rng(seed)
    centres = np.eye(10)[:2] * gap
    return {name: np.concatenate([rng.normal(size=(15, 10)) + centre for centre in centres]) + i
            for i, name in enumerate(('student.feat', 'teacher.feat'))}


def test_clusters_stay_together_in_one_plane():
    points = embed(clusters(), perplexity=10)
    assert {name: xy.shape for name, xy in points.items()} == dict.fromkeys(points, (30, 2))
    groups = [xy[half] for xy in points.values() for half in (slice(15), slice(15, None))]
    # Classes of both branches: the mean distance inside one is below that to the other.
    for one, other in ((0, 1), (2, 3)):
        inside = np.linalg.norm(groups[one] - groups[one].mean(0), axis=1).mean()
        assert np.linalg.norm(groups[one].mean(0) - groups[other].mean(0)) > 2 * inside


def test_the_embedding_is_drawn_again_by_its_seed():
    first, again = embed(clusters(), 10, seed=3), embed(clusters(), 10, seed=3)
    assert all(np.array_equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize('features, perplexity, message', [
    (dict(a=np.zeros((9, 3)), b=np.zeros((9, 4))), 5, 'need one width'),
    (dict(a=np.zeros((9, 3, 2, 2))), 5, 'need one width'),
    (dict(a=np.zeros((9, 3)), b=np.zeros((9, 3))), 18, r'below the number of points, 18')])
def test_what_has_no_plane_is_refused(features, perplexity, message):
    with pytest.raises(ValueError, match=message):
        embed(features, perplexity)


def test_the_scatter_has_a_marker_a_branch_and_a_colour_a_class():
    labels = np.repeat([4, 7], 15)
    points = {name: x[:, :2] for name, x in clusters().items()}
    figure = scatter([Cloud('one', points, labels), Cloud('two', points, labels)],
                     {4: 'sad', 7: 'glad'})
    assert [axes.get_title() for axes in figure.axes] == ['one', 'two']
    drawn = figure.axes[0].collections
    assert [c.get_label() for c in drawn] == [
        'sad, student.feat', 'glad, student.feat', 'sad, teacher.feat', 'glad, teacher.feat']
    assert np.array_equal(drawn[1].get_offsets(), points['student.feat'][15:])
    assert np.array_equal(drawn[0].get_facecolor(), drawn[2].get_facecolor())
    assert not np.array_equal(drawn[0].get_facecolor(), drawn[1].get_facecolor())


@pytest.mark.parametrize('panels', [1, 2])
def test_long_names_of_a_legend_stay_inside_the_picture(panels):
    labels = np.arange(24) % 6
    groups = {name: np.random.default_rng(0).normal(size=(24, 2))
              for name in ('student.layer4_before_relu', 'teacher.layer4_before_relu')}
    names = {i: f'a long name of class {i}' for i in range(6)}
    figure = scatter([Cloud('', groups, labels)] * panels, names)
    FigureCanvasAgg(figure).draw()
    box, = (legend.get_window_extent() for legend in figure.legends)
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1 and 0 <= box.y0
    assert figure.axes[0].get_window_extent().height > 0.6 * figure.bbox.width / panels
