from .bert import BertEncoder
from .frame_pooling import FramePooling

__all__ = ['BertEncoder', 'FramePooling']
