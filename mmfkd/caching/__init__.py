"""Outputs of frozen teachers, computed once and kept on disk."""

from .descriptions import one_shape
from .keys import output_key
from .options import CacheOptions
from .outputs import TeacherOutputs
from .records import RecordFile

__all__ = ['CacheOptions', 'RecordFile', 'TeacherOutputs', 'one_shape', 'output_key']
