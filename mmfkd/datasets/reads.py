"""The modalities of a sample whose files are read."""

from collections.abc import Collection


def without_unread(info: dict, reads: Collection[str] | None) -> dict:
    """A sample with the modalities that are read; all of them for None."""
    if reads is None:
        return info
    kept = {name: spec for name, spec in info['modalities'].items() if name in reads}
    return dict(info, modalities=kept)
