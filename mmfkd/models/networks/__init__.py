from .bert import BertEncoder
from .cddfuse import CDDFuse
from .cen import CEN
from .csknet import CSKNet
from .disoptnet import DisOptNet
from .encoders import ForkedEncoder, SharedEncoder
from .esanet_neck import ESANetNeck
from .exchange import ChannelExchange, SpatialExchange
from .frame_pooling import FramePooling
from .hf_encoder import HFEncoder
from .mmanet import MMANet
from .modality_norm import (
    PerModality,
    Streams,
    modality_weights,
    take_modality,
    to_modality_norm,
)

__all__ = ['BertEncoder', 'CDDFuse', 'CEN', 'CSKNet', 'ChannelExchange', 'DisOptNet', 'ESANetNeck',
           'ForkedEncoder', 'FramePooling', 'HFEncoder', 'MMANet', 'PerModality', 'SharedEncoder',
           'SpatialExchange', 'Streams', 'modality_weights', 'take_modality', 'to_modality_norm']
