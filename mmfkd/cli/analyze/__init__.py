"""The commands that measure and draw, one module each: ``mmfkd analyze NAME``."""

from collections.abc import Sequence

from mmfkd.cli import dispatch

COMMANDS = dict(
    taps='List the places of a config that can be tapped, with channels and stride.',
    values='Measure mean and deviation of each modality, for norm of its branch.',
    cka='Compare the features of two branches by CKA, whole and by band.',
    bands='Measure the shares of low and high frequencies in the energy of features.',
    feature_scale='Measure mean and deviation of the features of each modality.',
    tsne="Draw the teacher's and the student's features in one plane.",
    loss_shapes='Draw loss and gradient of MSE and logMSE.',
    panels='Draw test images, labels and predictions side by side.',
    step_time='Time training steps against a bare PyTorch loop.',
    loss_cost='Measure what one loss costs in a training step.',
    deploy_cost='Compare parameters, FLOPs and latency of a student and its baseline.')


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``mmfkd analyze NAME``."""
    dispatch('mmfkd analyze', 'NAME', COMMANDS, __name__, argv)
