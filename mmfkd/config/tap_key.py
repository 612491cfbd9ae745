"""The name of a tap in a config: ``branch.tap``."""

from typing import NamedTuple


class TapKey(NamedTuple):
    """A tap of a branch, written ``branch.tap``.

    Attributes:
        branch: name of a student or a teacher.
        tap: name of one of its taps.
    """

    branch: str
    tap: str

    @classmethod
    def parse(cls, text: str) -> 'TapKey':
        """Reads ``branch.tap``.

        Raises:
            ValueError: there is no dot.
        """
        branch, dot, tap = text.partition('.')
        if not dot:
            raise ValueError(f"'{text}' is no tap of a branch: write 'branch.tap', such as "
                             "'student.feat'")
        return cls(branch, tap)

    def __str__(self) -> str:
        return f'{self.branch}.{self.tap}'
