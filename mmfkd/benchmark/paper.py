"""The numbers that FDKD's paper reports."""

from collections.abc import Mapping

from .presets import PAPER_METHODS

# Table 1, top-1 accuracy. Columns: data set and modality of the student.
_COLUMNS = ('cremad_audio', 'cremad_visual', 'ave_audio', 'ave_visual', 'vggsound50_audio',
            'vggsound50_visual', 'crisismmd_text', 'crisismmd_image')
_TABLE1 = dict(
    unimodal=(62.4, 66.8, 63.7, 38.8, 68.9, 44.9, 77.4, 70.2),
    kd=(61.7, 62.6, 60.0, 39.1, 65.7, 45.4, 78.5, 70.5),
    dist=(62.2, 64.0, 62.4, 40.3, 66.4, 45.5, 78.3, 71.3),
    dml=(52.7, 61.2, 60.2, 43.3, 57.8, 44.9, 78.2, 71.2),
    nkd=(62.4, 61.8, 60.7, 38.1, 65.6, 44.9, 78.1, 71.2),
    dkd=(61.0, 61.4, 60.5, 38.1, 64.4, 44.5, 79.0, 70.7),
    feature=(60.9, 64.3, 58.7, 39.6, 67.7, 45.5, 77.7, 70.8),
    pkd=(60.4, 64.8, 58.0, 41.0, 62.9, 46.9, 77.5, 70.9),
    ofd=(60.6, 61.6, 58.0, 39.6, 68.5, 45.8, 78.1, 71.2),
    afd=(61.2, 59.5, 62.7, 38.8, 68.7, 45.8, 69.8, 72.3),
    c2kd=(57.5, 59.8, 62.7, 39.3, 67.0, 47.9, 77.9, 71.4),
    fdkd=(64.1, 71.0, 64.9, 47.8, 70.0, 48.1, 79.1, 72.7))
# Table 2 is a picture; these are the numbers that section 5.2 gives in words.
_TABLE2 = dict(fdkd=dict(nyuv2_depth=33.2, nyuv2_rgb=36.9), dist=dict(nyuv2_depth=32.3),
               dkd=dict(nyuv2_rgb=35.3))

_CLIPS = ('the paper selects on test (its code takes the maximum over epochs and heads); here '
          'validation selects, and the main head alone is scored')
PROTOCOL: Mapping[str, str] = dict(
    cremad=f'CREMA-D has no validation split: a tenth of train is held out here; {_CLIPS}. All '
           'actors are in train and in test, in both.',
    ave=f'AVE: {_CLIPS}.',
    vggsound50=f'VGGSound: the 50 classes of the paper are not named; here they are those of '
               f"C2KD's list; {_CLIPS}.",
    crisismmd='CrisisMMD: the paper names neither its fine-grained labels nor how they are merged, '
              'nor the width that text and image meet at; here a linear adapter maps the student.',
    nyuv2='NYU Depth V2: the paper names neither its validation split nor the tap and axis of the '
          'frequencies; here a tenth of train is held out to select on. Of Table 2 the text gives '
          'three numbers; the table itself is a picture.')


def reported(method: str, student: str) -> float | None:
    """The paper's number of a method, in Table 1 or 2.

    Args:
        method: name of a row; only at the authors' weights is there a number.
        student: ``DATASET_MODALITY`` of the student.

    Returns:
        percent, or None where the paper has no number or not in its text.
    """
    if method not in PAPER_METHODS:
        return None
    method = method.removesuffix('-paper')
    if student in _COLUMNS and method in _TABLE1:
        return _TABLE1[method][_COLUMNS.index(student)]
    return _TABLE2.get(method, {}).get(student)
