"""Clips as batches of frames."""

from torch import Tensor, nn

from mmfkd.registry import MODELS


@MODELS.register_module()
class FramePooling(nn.Module):
    """A neck that averages maps over space and over the frames of a clip.

    :class:`mmfkd.models.Branch` folds (N, T, C, H, W) into N · T images; this neck makes N vectors
    of their maps (FDKD, section A.2: frames fold into the batch). With a linear head the logits
    of a clip are then the mean of the logits of its frames, so the exported network is an
    ordinary image classifier.

    Args:
        frames: number of frames T.

    Raises:
        ValueError: ``frames`` is below 1, or a batch is no multiple of it.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        if frames < 1:
            raise ValueError(f'frames={frames} must be 1 or more')
        self.frames = frames

    def forward(self, inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Maps (N · T, C, H, W), or a tuple of them, to vectors (N, C)."""
        maps = (inputs,) if isinstance(inputs, Tensor) else inputs
        return tuple(self._average(x) for x in maps)

    def _average(self, x: Tensor) -> Tensor:
        if len(x) % self.frames:
            raise ValueError(f'{len(x)} images are no multiple of frames={self.frames}: set '
                             'num_frames of LoadFrames and frames of FramePooling to one number')
        return x.mean((2, 3)).unflatten(0, (-1, self.frames)).mean(1)
