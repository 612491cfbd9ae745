"""The grids of FDKD's tables and of its figure 5."""

from collections.abc import Sequence
from dataclasses import replace

from .grid import BASELINE, UNIMODAL, Row

# The rows of Tables 1 and 2, where the first is "w/o KD", the second "Logit" and feature "Feat".
PAPER_LABELS = dict(
    unimodal='unimodal', kd='KD', dist='DIST', dml='DML', nkd='NKD', dkd='DKD', feature='Feature',
    pkd='PKD', ofd='OFD', afd='AFD', c2kd='C2KD', fdkd='FDKD')
LABELS = dict(PAPER_LABELS, nkd_yang='NKD of Yang et al.', rkd='RKD', reviewkd='ReviewKD')
# Defaults of two differ from the authors' weights.
PAPER_METHODS = tuple(f'{name}-paper' if name in ('dkd', 'fdkd') else name
                      for name in PAPER_LABELS)

CLASSIFICATION = ('cremad_visual2audio', 'cremad_audio2visual', 'ave_visual2audio',
                  'ave_audio2visual', 'vggsound50_visual2audio', 'vggsound50_audio2visual',
                  'crisismmd_image2text', 'crisismmd_text2image')
SEGMENTATION = ('nyuv2_rgb2depth', 'nyuv2_depth2rgb')
LAMBDAS = (0.5, 1, 3, 5)

FDKD = 'fdkd-paper'
_LOSS = 'model.losses.loss_fdkd.'
_ALIGN = f'{_LOSS}align'
_NO_ALIGN = {_ALIGN: None}
_NO_SCALE = {f'{_LOSS}standardize': False}
_NO_LOG = {f'{_LOSS}log': False}


def label(row: str) -> str:
    """What a report calls a row: its method, and its preset or share of labels."""
    row, _, share = row.partition('-labels')
    if share:
        return f'{label(row)}, {float(share) * 100:g}% of labels'
    method, _, preset = row.partition('-')
    if method not in LABELS:
        return row
    if not preset:
        return LABELS[method]
    return f'{LABELS[method]}, {preset}' if preset in ('paper', 'balanced', 'tuned') else row


def method_rows(methods: Sequence[str]) -> list[Row]:
    """One row a method."""
    return [Row(name, name) for name in methods]


def label_rows(rows: Sequence[Row], shares: Sequence[float]) -> list[Row]:
    """Each row with shares of the labels of train; all are trained on every sample.

    A row is compared with the baseline at its share, one without labels with that of all labels.
    """
    found = []
    for row in rows:
        for share in shares:
            labelled = row if share == 1 else _at_share(row, share)
            if row.method == UNIMODAL:
                found += [labelled] if share else []
            else:
                against = _at_share(BASELINE, share) if 0 < share < 1 else None
                found.append(replace(labelled, against=against))
    return found


def _at_share(row: Row, share: float) -> Row:
    return replace(row, name=f'{row.name}-labels{share:g}',
                   options={**row.options, 'train_dataloader.dataset.labels': share})


def component_rows() -> list[Row]:
    """Table 3: frequency split, alignment, standardisation and logMSE, one after the other.

    The baseline is raw feature distillation. The student's own heads on the bands (L_task of eq.
    11) are none of the table's components and are in every row with the split.
    """
    return [Row('unimodal', 'unimodal'), Row('feature', 'feature'),
            Row('fdkd-freq', FDKD, {**_NO_ALIGN, **_NO_SCALE, **_NO_LOG}),
            Row('fdkd-freq-align', FDKD, {**_NO_SCALE, **_NO_LOG}, _ALIGN),
            Row('fdkd-freq-scale', FDKD, {**_NO_ALIGN, **_NO_LOG}),
            Row('fdkd-freq-log', FDKD, {**_NO_ALIGN, **_NO_SCALE}),
            Row('fdkd-freq-align-scale', FDKD, _NO_LOG, _ALIGN),
            Row(FDKD, FDKD)]


def band_rows() -> list[Row]:
    """Table 4: the low band alone, the high band alone, both."""
    return [Row('unimodal', 'unimodal'), Row('fdkd-low', FDKD, {f'{_LOSS}high_weight': 0}),
            Row('fdkd-high', FDKD, {f'{_LOSS}low_weight': 0}), Row(FDKD, FDKD)]


def weight_rows() -> list[Row]:
    """Figure 5: every λ1 with every λ2."""
    rows = [Row('unimodal', 'unimodal')]
    for low in LAMBDAS:
        for high in LAMBDAS:
            name = FDKD if low == high == 1 else f'fdkd-low{low}-high{high}'
            rows.append(Row(name, FDKD, {} if name == FDKD else {
                f'{_LOSS}low_weight': low, f'{_LOSS}high_weight': high}))
    return rows


def preset(name: str) -> tuple[list[Row], tuple[str, ...]]:
    """Rows and pairs of ``table1`` to ``table4`` and ``figure5``.

    Raises:
        ValueError: another name.
    """
    presets = dict(
        table1=(method_rows(PAPER_METHODS), CLASSIFICATION),
        table2=(method_rows(PAPER_METHODS), SEGMENTATION),
        table3=(component_rows(), CLASSIFICATION[:4]),
        table4=(band_rows(), CLASSIFICATION[:4]),
        figure5=(weight_rows(), CLASSIFICATION[:4]))
    if name not in presets:
        raise ValueError(f"preset '{name}': choose one of {', '.join(presets)}")
    return presets[name]
