from .version import __version__

__all__ = ['__version__', 'packaged']


def packaged(name: str) -> str:
    """Path of a config that comes with mmfkd; see :func:`mmfkd.config.packaged`."""
    # Imported here, so that ``mmfkd env`` runs where mmengine cannot be imported.
    from . import config

    return config.packaged(name)
