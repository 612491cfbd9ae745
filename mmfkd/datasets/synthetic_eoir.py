"""The embedded data set of optical and infrared images: rendered streets, without files."""

from mmcv.transforms import BaseTransform

from mmfkd.registry import DATASETS, TRANSFORMS

from .scenes_eoir import CLASSES, PALETTE, render_street
from .synthetic import SyntheticScenes


@DATASETS.register_module()
class SyntheticEOIR(SyntheticScenes):
    """Rendered streets with the classes of MSRS, about half of them by night.

    See :class:`SyntheticScenes` and, for the pipeline, :class:`RenderEOIR`.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)


@TRANSFORMS.register_module()
class RenderEOIR(BaseTransform):
    """Render the street that an entry of :class:`SyntheticEOIR` describes.

    Reads ``scene_seed`` and ``size``. Adds ``modalities``, ``{'rgb': uint8 (H, W, 3) BGR, 'ir':
    uint8 (H, W, 3) equal channels}``, ``gt_seg_map`` uint8 (H, W), ``seg_fields``, ``night``
    (bool), ``img_shape`` and ``ori_shape`` (H, W).
    """

    def transform(self, results: dict) -> dict:
        scene = render_street(results['scene_seed'], results['size'])
        results['modalities'] = dict(rgb=scene['rgb'], ir=scene['ir'])
        results['gt_seg_map'] = scene['label']
        results['seg_fields'] = ['gt_seg_map']
        results['night'] = scene['night']
        results['img_shape'] = results['ori_shape'] = results['size']
        return results
