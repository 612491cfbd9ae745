"""Outputs of frozen teachers, computed once and kept on disk."""

from .keys import output_key
from .options import CacheOptions
from .outputs import TeacherOutputs
from .records import RecordFile

__all__ = ['CacheOptions', 'RecordFile', 'TeacherOutputs', 'output_key']
