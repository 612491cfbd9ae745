from .band_classifier import BandClassifier
from .deeplabv3plus import DeepLabV3PlusHead
from .esanet import ESANetHead
from .gated_spectral import GatedSpectralHead
from .refinenet import RefineNetHead
from .scse_fusion import ChannelSpatialGate, SCSEFusionHead

__all__ = ['BandClassifier', 'ChannelSpatialGate', 'DeepLabV3PlusHead', 'ESANetHead',
           'GatedSpectralHead', 'RefineNetHead', 'SCSEFusionHead']
