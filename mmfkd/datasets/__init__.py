from .rgbx import NYUv2Dataset, OmbriaDataset, RGBXDataset
from .synthetic import RenderRGBD, SyntheticRGBD

__all__ = ['NYUv2Dataset', 'OmbriaDataset', 'RGBXDataset', 'RenderRGBD', 'SyntheticRGBD']
