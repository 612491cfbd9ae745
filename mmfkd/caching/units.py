"""Numbers of bytes, and of other things, in words."""

UNITS = ('KiB', 'MiB', 'GiB')


def spelled_bytes(count: float) -> str:
    """Bytes in the largest unit of which there is one, such as '1.5 MiB'."""
    power = next((i for i in (3, 2) if count >= 1024 ** i), 1)
    return f'{count / 1024 ** power:.1f} {UNITS[power - 1]}'


def counted(count: int, one: str) -> str:
    """A number of things, such as '1 view' or '2 views'."""
    return f'{count} {one}' if count == 1 else f'{count} {one}s'
