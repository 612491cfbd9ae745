"""The version of mmfkd."""

__version__ = '0.1.0'
