"""Arguments of losses that follow from the two networks of a pair, such as their widths.

They are read from the unimodal configs of the pair: the widths that ``channels`` declares beside a
network, and the number of classes of its head.
"""

from mmengine.config import Config, ConfigDict

from .pairs import PairConfigs


def offers(configs: PairConfigs) -> dict[str, object]:
    """The arguments that a pair offers to methods.

    Returns:
        - ``num_classes``;
        - ``student_stages``, ``teacher_stages``: widths of the stages, where both are declared;
        - ``student_proxy``, ``teacher_proxy``: widths of the third of them;
        - ``band_classifier``: a classifier on the teacher's feature, in classification;
        - ``adapter``: a layer from the student's width of the feature to the teacher's, where
          they differ.
    """
    student, teacher = configs
    vectors = classifies(student)
    head = network_of(student)['head' if vectors else 'decode_head']
    found: dict[str, object] = dict(num_classes=head['num_classes'])
    widths = [cfg.get('channels') or {} for cfg in (student, teacher)]
    if all('stages' in width for width in widths):
        for name, width in zip(('student', 'teacher'), widths, strict=True):
            found[f'{name}_stages'] = tuple(width['stages'])
            found[f'{name}_proxy'] = width['stages'][2]
    if all('feat' in width for width in widths):
        own, other = (width['feat'] for width in widths)
        if vectors:
            found['band_classifier'] = dict(type='BandClassifier', in_channels=other,
                                            num_classes=head['num_classes'])
        if own != other:
            found['adapter'] = (
                dict(type='Linear', in_features=own, out_features=other) if vectors else
                dict(type='Conv2d', in_channels=own, out_channels=other, kernel_size=1))
    return found


def network_of(cfg: Config) -> ConfigDict:
    """Config of the network of the first student."""
    return next(iter(cfg.model.students.values())).model


def classifies(cfg: Config) -> bool:
    """Whether the first student is a classifier; else it is a segmentor."""
    return network_of(cfg).get('_scope_') == 'mmpretrain'
