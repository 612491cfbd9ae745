from .modalities import (
    ForModality,
    LoadCheckedAnnotations,
    LoadModalities,
    PackModalities,
    StackModalities,
)

__all__ = ['ForModality', 'LoadCheckedAnnotations', 'LoadModalities', 'PackModalities',
           'StackModalities']
